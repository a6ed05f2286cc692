#include "services/attention/decode/start_sequence.h"

#include <limits>
#include <string>

#include "gtest/gtest.h"
#include "model/tokenizer/tiny_tokenizer.h"
#include "proto/baleen/v1/attention.pb.h"

namespace baleen {
namespace {

const absl::Time kNow = absl::FromUnixSeconds(1000);

ModelLimits Limits() { return {.tokenizer_size = 100, .max_positions = 16, .eos_ids = {1, 2}, .numerics_id = "n"}; }

v1::StartSequence Valid() {
  v1::StartSequence start;
  start.mutable_context()->set_request_id(std::string(16, 'r'));
  start.mutable_context()->set_choice(3);
  start.mutable_context()->set_numerics_id("n");
  for (uint32_t token : {5u, 6u, 7u}) start.add_prompt(token);
  start.add_generated(8);
  start.mutable_sampling()->set_top_p(1);
  start.mutable_sampling()->set_temperature(0.5f);
  start.mutable_stop()->set_max_tokens(4);
  start.mutable_stop()->add_stop_token_ids(9);
  return start;
}

absl::Status StatusOf(const v1::StartSequence& start) { return ConvertStart(start, Limits(), kNow).status(); }

TEST(StartSequenceTest, ConvertsAllFields) {
  v1::StartSequence start = Valid();
  start.mutable_context()->set_timeout_ms(1000);
  start.set_priority(-3);
  start.set_cache_salt("salt");
  const SequenceRequest request = ConvertStart(start, Limits(), kNow).value();
  EXPECT_EQ(request.tokens, (std::vector<int32_t>{5, 6, 7, 8}));
  EXPECT_EQ(request.prompt_tokens, 3);
  EXPECT_EQ(request.priority, -3);
  EXPECT_EQ(request.cache_salt, "salt");
  EXPECT_EQ(request.deadline, absl::FromUnixSeconds(1001));
  EXPECT_EQ(request.sampler.choice, 3u);
  EXPECT_EQ(request.stop.stop_ids, (std::vector<int32_t>{9, 1, 2}));
  EXPECT_EQ(request.stop.max_positions, 16);
  start.mutable_stop()->set_ignore_eos(true);
  EXPECT_EQ(ConvertStart(start, Limits(), kNow)->stop.stop_ids, (std::vector<int32_t>{9}));
}

TEST(StartSequenceTest, EveryRequestGetsADeadline) { EXPECT_EQ(ConvertStart(Valid(), Limits(), kNow)->deadline, kNow + absl::Hours(1)); }

TEST(StartSequenceTest, RefusesOtherNumerics) {
  v1::StartSequence start = Valid();
  start.mutable_context()->set_numerics_id("other");
  EXPECT_EQ(StatusOf(start).code(), absl::StatusCode::kFailedPrecondition);
  start.mutable_context()->clear_numerics_id();
  EXPECT_TRUE(StatusOf(start).ok());
}

void ExpectInvalid(const v1::StartSequence& start, const std::string& field) {
  const absl::Status status = StatusOf(start);
  EXPECT_EQ(status.code(), absl::StatusCode::kInvalidArgument) << field;
  EXPECT_NE(status.message().find(field), absl::string_view::npos) << status;
}

TEST(StartSequenceTest, NamesTheWrongField) {
  v1::StartSequence start = Valid();
  start.set_priority(101);
  ExpectInvalid(start, "priority");
  start = Valid();
  start.set_cache_salt(std::string(65, 's'));
  ExpectInvalid(start, "cache_salt");
  start = Valid();
  start.mutable_context()->set_request_id("short");
  ExpectInvalid(start, "request_id");
  start = Valid();
  start.clear_prompt();
  ExpectInvalid(start, "prompt");
  start = Valid();
  start.add_prompt(100);
  ExpectInvalid(start, "prompt[3]");
  start = Valid();
  start.set_generated(0, 0xffffffffu);
  ExpectInvalid(start, "generated[0]");
  start = Valid();
  for (int i = 0; i < 13; ++i) start.add_prompt(5);
  ExpectInvalid(start, "prompt");
  start = Valid();
  start.mutable_stop()->set_max_tokens(0);
  ExpectInvalid(start, "max_tokens");
  start = Valid();
  start.mutable_stop()->set_min_tokens(5);
  ExpectInvalid(start, "min_tokens");
  start = Valid();
  for (int i = 0; i < 4; ++i) start.add_generated(5);
  ExpectInvalid(start, "generated");
  start = Valid();
  start.mutable_sampling()->set_temperature(std::numeric_limits<float>::quiet_NaN());
  ExpectInvalid(start, "temperature");
  start = Valid();
  start.mutable_sampling()->set_top_p(0);
  ExpectInvalid(start, "top_p");
  start = Valid();
  start.mutable_sampling()->set_logprobs(21);
  ExpectInvalid(start, "logprobs");
  start = Valid();
  start.mutable_stop()->add_stop_token_ids(100);
  ExpectInvalid(start, "stop_token_ids");
}

TEST(StartSequenceTest, ConvertsAdjustments) {
  v1::StartSequence start = Valid();
  v1::SamplingParams& sampling = *start.mutable_sampling();
  EXPECT_FALSE(ConvertStart(start, Limits(), kNow)->sampler.adjustments.any());
  sampling.set_min_p(0.25f);
  sampling.set_presence_penalty(-1);
  sampling.set_frequency_penalty(2);
  sampling.set_repetition_penalty(1.5f);
  sampling.add_logit_bias()->set_token(7);
  sampling.mutable_logit_bias(0)->set_bias(-100);
  const SamplerParams params = ConvertStart(start, Limits(), kNow)->sampler;
  EXPECT_EQ(params.min_p, 0.25f);
  EXPECT_EQ(params.adjustments.presence_penalty, -1);
  EXPECT_EQ(params.adjustments.frequency_penalty, 2);
  EXPECT_EQ(params.adjustments.repetition_penalty, 1.5f);
  EXPECT_EQ(params.adjustments.bias, (std::vector<std::pair<int32_t, float>>{{7, -100}}));
}

TEST(StartSequenceTest, RefusesAdjustmentsOutOfBounds) {
  const float nan = std::numeric_limits<float>::quiet_NaN();
  const auto refused = [](auto spoil) {
    v1::StartSequence start = Valid();
    spoil(start.mutable_sampling());
    return StatusOf(start).code() == absl::StatusCode::kInvalidArgument;
  };
  EXPECT_TRUE(refused([&](v1::SamplingParams* s) { s->set_min_p(nan); }));
  EXPECT_TRUE(refused([&](v1::SamplingParams* s) { s->set_presence_penalty(nan); }));
  EXPECT_TRUE(refused([](v1::SamplingParams* s) { s->set_frequency_penalty(3); }));
  EXPECT_TRUE(refused([](v1::SamplingParams* s) { s->set_repetition_penalty(-1); }));
  EXPECT_TRUE(refused([](v1::SamplingParams* s) { s->add_logit_bias()->set_token(100); }));
  EXPECT_TRUE(refused([](v1::SamplingParams* s) { s->add_logit_bias()->set_bias(101); }));
}

TEST(StartSequenceTest, AGrammarFollowsTheJournal) {
  const std::unique_ptr<Tokenizer> tokenizer = MakeTinyTokenizer();
  ModelLimits limits = Limits();
  limits.tokenizer_size = tokenizer->size();
  v1::StartSequence start = Valid();
  start.clear_generated();
  for (const int32_t id : TinyByteIds("tru")) start.add_generated(static_cast<uint32_t>(id));
  start.mutable_sampling()->mutable_grammar()->add_alternatives()->add_pieces()->set_json_schema(R"({"type":"boolean"})");
  EXPECT_EQ(ConvertStart(start, limits, kNow).status().code(), absl::StatusCode::kFailedPrecondition);
  limits.vocabulary = std::make_shared<GrammarVocabulary>(*tokenizer, tokenizer->size());
  const SequenceRequest request = ConvertStart(start, limits, kNow).value();
  const TokenMask& mask = request.grammar->Allowed(absl::MakeConstSpan(request.tokens).subspan(3));
  EXPECT_TRUE(mask.Test(TinyByteIds("e")[0]));
  EXPECT_FALSE(mask.Test(TinyByteIds("f")[0]));
  EXPECT_FALSE(mask.Test(limits.eos_ids[0]));
  start.mutable_stop()->set_ignore_eos(true);
  EXPECT_EQ(ConvertStart(start, limits, kNow).status().code(), absl::StatusCode::kInvalidArgument);
  start.mutable_stop()->set_ignore_eos(false);
  start.mutable_sampling()->mutable_grammar()->mutable_alternatives(0)->mutable_pieces(0)->set_json_schema("{");
  EXPECT_EQ(ConvertStart(start, limits, kNow).status().code(), absl::StatusCode::kInvalidArgument);
}

}  // namespace
}  // namespace baleen
