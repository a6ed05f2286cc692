// What an attention worker takes from a checkpoint's directory.
#ifndef BALEEN_SERVICES_ATTENTION_LOADED_MODEL_H_
#define BALEEN_SERVICES_ATTENTION_LOADED_MODEL_H_

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "base/thread_pool.h"
#include "model/checkpoint/checkpoint.h"
#include "model/config/model_config.h"
#include "model/cuda/device_experts.h"
#include "model/layers/numerics.h"
#include "model/weights/expert_weights.h"
#include "services/attention/decode/start_sequence.h"
#include "services/attention/engine/engine.h"
#include "services/attention/engine/local_experts.h"

namespace baleen {

struct LoadedModel {
  std::string id;  // The directory's name.
  ModelConfig config;
  Numerics numerics;
  ModelLimits limits;
  std::unique_ptr<ThreadPool> pool;
  std::unique_ptr<Checkpoint> checkpoint;
  // The MTP layer's experts, with LoadOptions.mtp_experts, on a GPU.
  std::unique_ptr<DeviceExperts> mtp_device_experts;
  std::unique_ptr<Engine> engine;
  // The MTP layer's experts, with LoadOptions.mtp_experts, on a CPU.
  std::unique_ptr<ExpertWeights> mtp_weights;
  std::unique_ptr<LocalExperts> mtp_experts;
  std::vector<TensorDigestEntry> digests;
};

struct LoadOptions {
  std::string directory;
  Device device = Device::kCpu;
  std::string dtype = "auto";  // As --dtype (ChooseNumerics).
  int threads = 0;             // 0 = one per core it may use.
  int64_t max_batch_tokens = 512;
  int64_t ping_pong_rows = 0;
  int tensor_parallel = 1;
  // On a GPU, once: it failed, and gives nothing right any more.
  std::function<void(const absl::Status&)> on_device_failure = nullptr;
  std::string shared_weights = "";  // Directory of SharedWeights; empty = weights of this process alone.
  bool mtp = false;                 // The next-token layer too,
  bool mtp_experts = false;         // and its routed experts.
};

// Reads all weights but the routed experts' of the main model. A directory without a tokenizer takes all ids of the vocabulary.
absl::StatusOr<std::unique_ptr<LoadedModel>> LoadModel(const LoadOptions& options);

}  // namespace baleen

#endif  // BALEEN_SERVICES_ATTENTION_LOADED_MODEL_H_
