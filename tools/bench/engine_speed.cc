// Speed of a checkpoint in one process, experts included, as one line of JSON: {"load_s": .., "rss_mib": .., "prefill": {"tokens": ..,
// "tokens_per_s": [..]}, "decode": [{"batch": .., "context": .., "tokens_per_s": [..], "rss_mib": ..}]}, with a figure for each round, in
// which prefill and every decode shape take turns. Weights may be random: only shapes matter. With --placement, every shape has
// "remote_tokens_per_s" too: the same attention, in the same round, with the experts of that cluster. Exit codes: 0 done, 1 failed, 2 wrong
// arguments.
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <cstring>
#include <fstream>
#include <functional>
#include <iostream>
#include <memory>
#include <optional>
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
#include "kernels/mla_attention.h"
#include "model/checkpoint/checkpoint.h"
#include "model/config/model_config.h"
#include "model/layers/numerics.h"
#include "services/attention/engine/engine.h"
#include "services/attention/engine/load_engine.h"
#include "services/attention/engine/whole_model.h"
#include "services/common/device_flags.h"
#include "services/kv/cache/block_pool.h"
#include "tools/bench/remote_experts.h"

ABSL_FLAG(std::string, model, "", "Hugging Face directory");
ABSL_FLAG(std::string, dtype, "auto", baleen::kDTypeNames);
ABSL_FLAG(int, threads, 2, "of the one pool");
ABSL_FLAG(int64_t, prompt, 512, "tokens of the prompt; 0 = no prefill");
ABSL_FLAG(int64_t, chunk, 512, "tokens of a prefill step");
ABSL_FLAG(std::vector<std::string>, decode, (std::vector<std::string>{"1:512", "16:512"}), "BATCH:CONTEXT, ..");
ABSL_FLAG(int, steps, 8, "decode steps of a round");
ABSL_FLAG(int, rounds, 5, "rounds");
ABSL_FLAG(std::string, placement, "", "host:port of a placement whose shards serve the same checkpoint; empty = in-process alone");
ABSL_FLAG(std::string, transport, "auto", "to the shards: auto, ucx or grpc");
ABSL_FLAG(int64_t, ping_pong_rows, 0, "remote steps of at least this many rows run as two micro-batches; 0 = never");

namespace baleen {
namespace {

using Clock = std::chrono::steady_clock;

double SecondsSince(Clock::time_point start) { return std::chrono::duration<double>(Clock::now() - start).count(); }

int64_t ResidentMib() {
  std::ifstream statm("/proc/self/statm");
  int64_t total = 0, resident = 0;
  statm >> total >> resident;
  return resident * sysconf(_SC_PAGESIZE) >> 20;
}

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

// Attention, and where its experts are.
struct Lane {
  Engine* engine = nullptr;
  ExpertBackend* experts = nullptr;
};

class EngineSpeed {
 public:
  explicit EngineSpeed(int threads) : pool_(threads) {}

  absl::Status Load(const std::string& model, const ModelConfig& config, const EngineOptions& options) {
    config_ = config;
    on_cpu_ = options.numerics.device == Device::kCpu;
    ASSIGN_OR_RETURN(checkpoint_, Checkpoint::Open(model));
    ASSIGN_OR_RETURN(model_, WholeModel::Load(*checkpoint_, config_, options, &pool_));
    return absl::OkStatus();
  }

  absl::Status Connect(const std::string& placement, const std::string& model, EngineOptions options, int64_t ping_pong_rows) {
    options.ping_pong_rows = ping_pong_rows;
    ASSIGN_OR_RETURN(remote_engine_, LoadEngine(*checkpoint_, config_, options, &pool_));
    const std::string id = model.substr(model.find_last_of('/') + 1);
    ASSIGN_OR_RETURN(remote_experts_,
                     RemoteExperts::Connect(placement, id, config_, options.numerics, absl::GetFlag(FLAGS_transport), absl::Seconds(60)));
    return absl::OkStatus();
  }

  Lane local() { return {&model_->engine(), &model_->experts()}; }
  Lane remote() { return {remote_engine_.get(), &remote_experts_->backend()}; }

  // Tokens per second of a prompt in steps of `chunk`, the last position's logits included.
  absl::StatusOr<double> Prefill(Lane lane, int64_t tokens, int64_t chunk) {
    const std::unique_ptr<BlockPool> kv = NewPool(BlocksOf(tokens));
    ASSIGN_OR_RETURN(const std::vector<BlockId> blocks, kv->Allocate(BlocksOf(tokens)));
    const std::vector<int32_t> prompt = Tokens(tokens);
    const Clock::time_point start = Clock::now();
    for (int64_t first = 0; first < tokens; first += chunk) {
      const int64_t size = std::min(chunk, tokens - first);
      const int64_t wanted = first + size == tokens ? 1 : 0;
      const SequenceStep step = {blocks, first, absl::MakeConstSpan(prompt).subspan(first, size), wanted};
      RETURN_IF_ERROR(Step(lane, {step}, *kv, wanted));
    }
    return static_cast<double>(tokens) / SecondsSince(start);
  }

  // Tokens per second over `steps` steps of `batch` sequences with `context` positions each.
  absl::StatusOr<double> Decode(Lane lane, DecodeShape shape, int steps) {
    const int64_t blocks_each = BlocksOf(shape.context + steps);
    const std::unique_ptr<BlockPool> kv = NewPool(shape.batch * blocks_each);
    std::vector<std::vector<BlockId>> blocks(shape.batch);
    for (auto& mine : blocks) {
      ASSIGN_OR_RETURN(mine, kv->Allocate(blocks_each));
      if (on_cpu_) Fill(*kv, mine);
    }
    const Clock::time_point start = Clock::now();
    for (int step = 0; step < steps; ++step) {
      const std::vector<int32_t> tokens = Tokens(shape.batch);
      std::vector<SequenceStep> sequences;
      for (int64_t i = 0; i < shape.batch; ++i) {
        sequences.push_back({blocks[i], shape.context + step, absl::MakeConstSpan(tokens).subspan(i, 1), 1});
      }
      RETURN_IF_ERROR(Step(lane, sequences, *kv, shape.batch));
    }
    const double seconds = SecondsSince(start);
    resident_mib_ = ResidentMib();
    return static_cast<double>(shape.batch * steps) / seconds;
  }

  // At the end of the last Decode, its KV included.
  int64_t resident_mib() const { return resident_mib_; }

 private:
  // The tokens are chosen where an engine does that itself.
  absl::Status Step(Lane lane, absl::Span<const SequenceStep> sequences, BlockPool& kv, int64_t rows_of_logits) {
    TokenChoices choices;
    choices.ids = config_.vocab_size;
    choices.wanted.assign(static_cast<size_t>(rows_of_logits), PlainChoice());
    StepOptions options;
    options.choices = &choices;
    return lane.engine->Step(sequences, kv, *lane.experts, options, &logits_);
  }

  // Small numbers as keys: memory that nobody wrote would be one page of zeros, which the first-level cache holds.
  static void Fill(BlockPool& kv, const std::vector<BlockId>& blocks) {
    for (const BlockId block : blocks) {
      for (int layer = 0; layer < kv.shape().layers; ++layer) {
        std::memset(kv.Page(block, layer), 0x3c, static_cast<size_t>(kKvBlockTokens * kv.shape().RowBytes()));
      }
    }
  }

  std::unique_ptr<BlockPool> NewPool(int64_t blocks) const {
    const Engine& engine = model_->engine();
    return engine.NewKvPool(blocks * engine.kv_shape().BlockBytes());
  }

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
  std::optional<WholeModel> model_;
  std::unique_ptr<Engine> remote_engine_;
  std::unique_ptr<RemoteExperts> remote_experts_;
  bool on_cpu_ = true;
  std::vector<float> logits_;
  uint64_t seed_ = 1;
  int64_t resident_mib_ = 0;
};

std::string List(const std::vector<double>& values) {
  return absl::StrCat("[", absl::StrJoin(values, ", ", [](std::string* out, double value) { absl::StrAppend(out, value); }), "]");
}

// One shape's figures, a round each.
struct Figures {
  std::string head;  // The JSON members that name the shape.
  std::function<absl::StatusOr<double>(Lane)> measure;
  std::vector<double> local;
  std::vector<double> remote;
  int64_t resident_mib = 0;  // Of decode, its KV included.

  std::string Json() const {
    const std::string far = remote.empty() ? "" : absl::StrCat(", \"remote_tokens_per_s\": ", List(remote));
    return absl::StrCat("{", head, ", \"tokens_per_s\": ", List(local), far, ", \"rss_mib\": ", resident_mib, "}");
  }
};

absl::Status Measure(EngineSpeed& speed, std::vector<Figures>& all, int rounds, bool with_remote) {
  for (int round = 0; round < rounds; ++round) {
    for (Figures& figures : all) {
      ASSIGN_OR_RETURN(const double local, figures.measure(speed.local()));
      figures.local.push_back(local);
      figures.resident_mib = speed.resident_mib();
      if (!with_remote) continue;
      ASSIGN_OR_RETURN(const double remote, figures.measure(speed.remote()));
      figures.remote.push_back(remote);
    }
  }
  return absl::OkStatus();
}

absl::StatusOr<std::vector<DecodeShape>> ParseShapes(const std::vector<std::string>& texts) {
  std::vector<DecodeShape> shapes;
  for (const std::string& text : texts) {
    if (text.empty()) continue;
    ASSIGN_OR_RETURN(const DecodeShape shape, ParseShape(text));
    shapes.push_back(shape);
  }
  return shapes;
}

absl::Status Run(Device device) {
  ASSIGN_OR_RETURN(const std::vector<DecodeShape> shapes, ParseShapes(absl::GetFlag(FLAGS_decode)));
  const int64_t prompt = absl::GetFlag(FLAGS_prompt);
  const int64_t chunk = absl::GetFlag(FLAGS_chunk);
  const int steps = absl::GetFlag(FLAGS_steps);
  const std::string model = absl::GetFlag(FLAGS_model);
  ASSIGN_OR_RETURN(const ModelConfig config, ModelConfig::Load(model));
  EngineOptions options;
  options.max_batch_tokens = chunk;
  ASSIGN_OR_RETURN(options.numerics, ChooseNumerics(device, absl::GetFlag(FLAGS_dtype), config));
  for (const DecodeShape& shape : shapes) options.max_batch_tokens = std::max(options.max_batch_tokens, shape.batch);
  const std::string placement = absl::GetFlag(FLAGS_placement);

  EngineSpeed speed(absl::GetFlag(FLAGS_threads));
  const Clock::time_point start = Clock::now();
  RETURN_IF_ERROR(speed.Load(model, config, options));
  const double load_seconds = SecondsSince(start);
  const int64_t resident = ResidentMib();
  if (!placement.empty()) RETURN_IF_ERROR(speed.Connect(placement, model, options, absl::GetFlag(FLAGS_ping_pong_rows)));

  std::vector<Figures> all;
  if (prompt > 0) {
    all.push_back({absl::StrCat("\"tokens\": ", prompt), [&](Lane lane) { return speed.Prefill(lane, prompt, chunk); }, {}, {}, 0});
  }
  for (const DecodeShape& shape : shapes) {
    all.push_back({absl::StrCat("\"batch\": ", shape.batch, ", \"context\": ", shape.context),
                   [&speed, shape, steps](Lane lane) { return speed.Decode(lane, shape, steps); },
                   {},
                   {},
                   0});
  }
  RETURN_IF_ERROR(Measure(speed, all, absl::GetFlag(FLAGS_rounds), !placement.empty()));
  const size_t first_decode = prompt > 0 ? 1 : 0;
  std::vector<std::string> decoded;
  for (size_t i = first_decode; i < all.size(); ++i) decoded.push_back(all[i].Json());
  std::cout << absl::StrCat("{\"load_s\": ", load_seconds, ", \"rss_mib\": ", resident,
                            ", \"prefill\": ", prompt > 0 ? all[0].Json() : "null", ", \"decode\": [", absl::StrJoin(decoded, ", "), "]}")
            << std::endl;
  return absl::OkStatus();
}

int Fail(int code, absl::string_view message) {
  std::cerr << "engine_speed: " << message << "\n";
  return code;
}

int Main(int argc, char** argv) {
  absl::SetProgramUsageMessage("engine_speed --model DIR [--device cpu|cuda] [--dtype ..] [--prompt N] [--decode BATCH:CONTEXT,..]");
  if (absl::ParseCommandLine(argc, argv).size() > 1) return Fail(2, "takes flags only; see --help");
  if (absl::GetFlag(FLAGS_model).empty()) return Fail(2, "--model is missing");
  const absl::StatusOr<Device> device = DeviceFromFlags();
  if (!device.ok()) return Fail(2, device.status().message());
  for (const int64_t least : {absl::GetFlag(FLAGS_chunk), int64_t{absl::GetFlag(FLAGS_threads)}, int64_t{absl::GetFlag(FLAGS_steps)}}) {
    if (least < 1) return Fail(2, "--chunk, --threads and --steps are at least 1");
  }
  const absl::Status status = Run(*device);
  return status.ok() ? 0 : Fail(absl::IsInvalidArgument(status) ? 2 : 1, status.ToString());
}

}  // namespace
}  // namespace baleen

int main(int argc, char** argv) { return baleen::Main(argc, argv); }
