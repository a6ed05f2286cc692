#include "services/gateway/generation/choices.h"

#include <gtest/gtest.h>

#include "services/gateway/generation/worker_picker.h"
#include "services/gateway/testing/scripted_decode.h"

namespace baleen {
namespace {

class ChoicesTest : public testing::Test {
 protected:
  void SetUp() override {
    auto tokenizer = Tokenizer::Load("checkpoints/abacus");
    ASSERT_TRUE(tokenizer.ok()) << tokenizer.status();
    tokenizer_ = *std::move(tokenizer);
    AddReadyWorker(&picker_);
  }

  std::shared_ptr<Generation> Start(DecodeScript script, int64_t choices, const std::string& echo = "") {
    decode_ = std::make_unique<ScriptedDecode>(std::move(script));
    GenerationInput input;
    input.request_id = std::string(16, 'r');
    input.prompt = {0, 7, 8};
    input.spec.seed = 5;
    input.spec.max_tokens = 10;
    input.spec.choices = choices;
    input.echo = echo;
    return StartChoices(
        {tokenizer_.get(), decode_.get(), &picker_}, input, [](GenerationSink sink) { return sink; },
        [this](GenerationEvent event) { events_.push_back(std::move(event)); });
  }

  std::unique_ptr<Tokenizer> tokenizer_;
  WorkerPicker picker_;
  std::unique_ptr<ScriptedDecode> decode_;
  std::vector<GenerationEvent> events_;
};

TEST_F(ChoicesTest, EachChoiceIsASequenceOfItsOwn) {
  Start({tokenizer_->Encode("12", AddedTokens::kText), v1::FINISH_REASON_STOP, 1}, 3, "0");
  ASSERT_EQ(decode_->starts().size(), 3u);
  std::vector<std::string> texts(3);
  int ends = 0;
  for (const GenerationEvent& event : events_) {
    texts.at(event.choice) += event.text;
    ends += event.ends_request();
  }
  EXPECT_EQ(texts, (std::vector<std::string>(3, "012")));
  EXPECT_EQ(ends, 1);
  for (uint32_t i = 0; i < 3; ++i) EXPECT_EQ(decode_->starts()[i].context().choice(), i);
  EXPECT_TRUE(events_.back().ends_request());
  EXPECT_EQ(events_.back().usage.prompt_tokens, 3);
  EXPECT_EQ(events_.back().usage.completion_tokens, 6);
  EXPECT_EQ(events_.back().usage.prompt_cache_hit_tokens, 1);
}

TEST_F(ChoicesTest, AFailureEndsTheRequestOnce) {
  Start({{}, v1::FINISH_REASON_STOP, 0, absl::InvalidArgumentError("no")}, 4);
  ASSERT_EQ(events_.size(), 1u);
  EXPECT_EQ(events_[0].status.code(), absl::StatusCode::kInvalidArgument);
  EXPECT_TRUE(events_[0].ends_request());
  EXPECT_EQ(decode_->starts().size(), 1u);
}

TEST_F(ChoicesTest, CancelFreesEverySequence) {
  DecodeScript waits;
  waits.silent = true;
  const auto generation = Start(waits, 3);
  generation->Cancel();
  EXPECT_EQ(decode_->cancelled(), 3);
  EXPECT_TRUE(events_.empty());
}

}  // namespace
}  // namespace baleen
