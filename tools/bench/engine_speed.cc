// Speed of a checkpoint in one process, experts included, as one line of JSON:
// {"load_s": .., "rss_mib": .., "prefill": {"tokens": .., "tokens_per_s": [..]}, "decode": [{"batch": .., "context": .., "tokens_per_s":
// [..]}]} with a figure for each round, in which prefill and every decode shape take turns. Weights may be random: only shapes matter. Exit
// codes: 0 done, 1 failed, 2 wrong arguments.
#include <sys/resource.h>

#include <algorithm>
#include <chrono>
#include <iostream>
#include <memory>
#include <string>
#include <vector>

#include "absl/flags/flag.h"
#include "absl/flags/parse.h"
#include "absl/flags/usage.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "base/status_macros.h"
#include "base/thread_pool.h"
#include "kernels/isa.h"
#include "kernels/mla_attention.h"
#include "model/checkpoint/checkpoint.h"
#include "model/config/model_config.h"
#include "model/layers/numerics.h"
#include "model/weights/expert_weights.h"
#include "services/attention/engine/engine.h"
#include "services/attention/engine/local_experts.h"
#include "services/kv/cache/block_pool.h"

ABSL_FLAG(std::string, model, "", "Hugging Face directory");
ABSL_FLAG(std::string, dtype, "auto", baleen::kDTypeNames);
ABSL_FLAG(int, threads, 2, "of the one pool");
ABSL_FLAG(int64_t, prompt, 512, "tokens of the prompt; 0 = no prefill");
ABSL_FLAG(int64_t, chunk, 512, "tokens of a prefill step");
ABSL_FLAG(std::vector<std::string>, decode, (std::vector<std::string>{"1:512", "16:512"}), "BATCH:CONTEXT, ..");
ABSL_FLAG(int, steps, 8, "decode steps of a round");
ABSL_FLAG(int, rounds, 5, "rounds");

namespace baleen {
namespace {

using Clock = std::chrono::steady_clock;

double SecondsSince(Clock::time_point start) { return std::chrono::duration<double>(Clock::now() - start).count(); }

struct DecodeShape {
  int64_t batch = 0;
  int64_t context = 0;
};

absl::StatusOr<DecodeShape> ParseShape(const std::string& text) {
  DecodeShape shape;
  const size_t colon = text.find(':');
  if (colon == std::string::npos || !absl::SimpleAtoi(text.substr(0, colon), &shape.batch) ||
      !absl::SimpleAtoi(text.substr(colon + 1), &shape.context) || shape.batch < 1 || shape.context < 1) {
    return absl::InvalidArgumentError(absl::StrCat("--decode has '", text, "', BATCH:CONTEXT is wanted, such as 16:512"));
  }
  return shape;
}

class EngineSpeed {
 public:
  static absl::StatusOr<std::unique_ptr<EngineSpeed>> Load(const std::string& model, DType compute, int threads, int64_t max_rows) {
    auto speed = std::make_unique<EngineSpeed>(threads);
    ASSIGN_OR_RETURN(speed->config_, ModelConfig::Load(model));
    ASSIGN_OR_RETURN(speed->checkpoint_, Checkpoint::Open(model));
    const EngineOptions options = {.numerics = {compute, BestIsa()}, .max_batch_tokens = max_rows};
    ASSIGN_OR_RETURN(speed->engine_, Engine::Load(*speed->checkpoint_, speed->config_, options, &speed->pool_));
    std::vector<ExpertId> ids;
    for (int layer = 0; layer < speed->config_.num_hidden_layers; ++layer) {
      for (int expert = 0; speed->config_.IsMoe(layer) && expert < speed->config_.n_routed_experts; ++expert)
        ids.push_back({layer, expert});
    }
    ASSIGN_OR_RETURN(speed->weights_, ExpertWeights::Load(*speed->checkpoint_, speed->config_, ids, options.numerics));
    speed->experts_ = std::make_unique<LocalExperts>(speed->weights_.get(), &speed->pool_);
    return speed;
  }
  explicit EngineSpeed(int threads) : pool_(threads) {}

  // Tokens per second of a prompt in steps of `chunk`, the last position's logits included.
  absl::StatusOr<double> Prefill(int64_t tokens, int64_t chunk) {
    BlockPool kv(engine_->kv_shape(), BlocksOf(tokens) * kKvBlockTokens * engine_->kv_shape().BytesPerToken());
    ASSIGN_OR_RETURN(const std::vector<BlockId> blocks, kv.Allocate(BlocksOf(tokens)));
    const std::vector<int32_t> prompt = Tokens(tokens);
    std::vector<float> logits;
    const Clock::time_point start = Clock::now();
    for (int64_t first = 0; first < tokens; first += chunk) {
      const int64_t size = std::min(chunk, tokens - first);
      const bool last = first + size == tokens;
      RETURN_IF_ERROR(
          engine_->Step({{blocks, first, absl::MakeConstSpan(prompt).subspan(first, size), last ? 1 : 0}}, kv, *experts_, {}, &logits));
    }
    return static_cast<double>(tokens) / SecondsSince(start);
  }

  // Tokens per second over `steps` steps of `batch` sequences with `context` positions each.
  absl::StatusOr<double> Decode(DecodeShape shape, int steps) {
    const int64_t blocks_each = BlocksOf(shape.context + steps);
    BlockPool kv(engine_->kv_shape(), shape.batch * blocks_each * kKvBlockTokens * engine_->kv_shape().BytesPerToken());
    std::vector<std::vector<BlockId>> blocks(shape.batch);
    for (auto& mine : blocks) {
      ASSIGN_OR_RETURN(mine, kv.Allocate(blocks_each));
    }
    std::vector<float> logits;
    const Clock::time_point start = Clock::now();
    for (int step = 0; step < steps; ++step) {
      const std::vector<int32_t> tokens = Tokens(shape.batch);
      std::vector<SequenceStep> sequences;
      for (int64_t i = 0; i < shape.batch; ++i) {
        sequences.push_back({blocks[i], shape.context + step, absl::MakeConstSpan(tokens).subspan(i, 1), 1});
      }
      RETURN_IF_ERROR(engine_->Step(sequences, kv, *experts_, {}, &logits));
    }
    return static_cast<double>(shape.batch * steps) / SecondsSince(start);
  }

 private:
  static int64_t BlocksOf(int64_t tokens) { return (tokens + kKvBlockTokens - 1) / kKvBlockTokens; }

  // Other ones each time, so that experts are drawn anew.
  std::vector<int32_t> Tokens(int64_t count) {
    std::vector<int32_t> tokens(count);
    for (int32_t& token : tokens) {
      seed_ = seed_ * 6364136223846793005u + 1442695040888963407u;
      token = static_cast<int32_t>((seed_ >> 33) % static_cast<uint64_t>(config_.vocab_size));
    }
    return tokens;
  }

  ThreadPool pool_;
  ModelConfig config_;
  std::unique_ptr<Checkpoint> checkpoint_;
  std::unique_ptr<Engine> engine_;
  std::unique_ptr<ExpertWeights> weights_;
  std::unique_ptr<LocalExperts> experts_;
  uint64_t seed_ = 1;
};

int64_t ResidentMib() {
  rusage usage{};
  getrusage(RUSAGE_SELF, &usage);
  return usage.ru_maxrss >> 10;
}

std::string List(const std::vector<double>& values) {
  return absl::StrCat("[", absl::StrJoin(values, ", ", [](std::string* out, double value) { absl::StrAppend(out, value); }), "]");
}

absl::Status Run(DType compute) {
  std::vector<DecodeShape> shapes;
  int64_t rows = absl::GetFlag(FLAGS_chunk);
  for (const std::string& text : absl::GetFlag(FLAGS_decode)) {
    if (text.empty()) continue;
    ASSIGN_OR_RETURN(const DecodeShape shape, ParseShape(text));
    shapes.push_back(shape);
    rows = std::max(rows, shape.batch);
  }
  const Clock::time_point start = Clock::now();
  ASSIGN_OR_RETURN(const std::unique_ptr<EngineSpeed> speed,
                   EngineSpeed::Load(absl::GetFlag(FLAGS_model), compute, absl::GetFlag(FLAGS_threads), rows));
  const double load_seconds = SecondsSince(start);
  const int64_t prompt = absl::GetFlag(FLAGS_prompt);
  std::vector<double> prefill;
  std::vector<std::vector<double>> decode(shapes.size());
  for (int round = 0; round < absl::GetFlag(FLAGS_rounds); ++round) {
    if (prompt > 0) {
      ASSIGN_OR_RETURN(const double rate, speed->Prefill(prompt, absl::GetFlag(FLAGS_chunk)));
      prefill.push_back(rate);
    }
    for (size_t i = 0; i < shapes.size(); ++i) {
      ASSIGN_OR_RETURN(const double rate, speed->Decode(shapes[i], absl::GetFlag(FLAGS_steps)));
      decode[i].push_back(rate);
    }
  }
  std::vector<std::string> decoded;
  for (size_t i = 0; i < shapes.size(); ++i) {
    decoded.push_back(
        absl::StrCat("{\"batch\": ", shapes[i].batch, ", \"context\": ", shapes[i].context, ", \"tokens_per_s\": ", List(decode[i]), "}"));
  }
  std::cout << absl::StrCat("{\"load_s\": ", load_seconds, ", \"rss_mib\": ", ResidentMib(), ", \"prefill\": {\"tokens\": ", prompt,
                            ", \"tokens_per_s\": ", List(prefill), "}, \"decode\": [", absl::StrJoin(decoded, ", "), "]}")
            << std::endl;
  return absl::OkStatus();
}

int Fail(int code, absl::string_view message) {
  std::cerr << "engine_speed: " << message << "\n";
  return code;
}

int Main(int argc, char** argv) {
  absl::SetProgramUsageMessage("engine_speed --model DIR [--dtype ..] [--prompt N] [--decode BATCH:CONTEXT,..]");
  if (absl::ParseCommandLine(argc, argv).size() > 1) return Fail(2, "takes flags only; see --help");
  if (absl::GetFlag(FLAGS_model).empty()) return Fail(2, "--model is missing");
  const std::optional<DType> compute = ParseComputeDType(absl::GetFlag(FLAGS_dtype));
  if (!compute.has_value()) return Fail(2, absl::StrCat("--dtype takes ", kDTypeNames));
  for (const int64_t least : {absl::GetFlag(FLAGS_chunk), int64_t{absl::GetFlag(FLAGS_threads)}, int64_t{absl::GetFlag(FLAGS_steps)}}) {
    if (least < 1) return Fail(2, "--chunk, --threads and --steps are at least 1");
  }
  const absl::Status status = Run(*compute);
  return status.ok() ? 0 : Fail(1, status.ToString());
}

}  // namespace
}  // namespace baleen

int main(int argc, char** argv) { return baleen::Main(argc, argv); }
