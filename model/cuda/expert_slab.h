// Device memory for some experts of one layer, side by side as a grouped product takes them.
#ifndef BALEEN_MODEL_CUDA_EXPERT_SLAB_H_
#define BALEEN_MODEL_CUDA_EXPERT_SLAB_H_

#include <cstdint>
#include <memory>
#include <mutex>
#include <vector>

#include "absl/status/statusor.h"
#include "base/dtype.h"
#include "kernels/cuda/base/device.h"
#include "model/config/model_config.h"
#include "model/cuda/upload_matrix.h"

namespace baleen {

// How an expert lies in device memory. Its inner width is stored as a multiple of 128, with zeros that add nothing: the up half's blocks of
// scales begin where the gate half's end.
struct ExpertFormat {
  DType type = DType::kBf16;  // Of weights and products: kBf16, or kF8E4m3 with a scale for each 128 x 128.
  int64_t hidden = 0;
  int64_t inner = 0;

  // INVALID_ARGUMENT for a width that the products do not take.
  static absl::StatusOr<ExpertFormat> Of(const ModelConfig& config, DType type);

  int64_t gate_up_bytes() const { return 2 * inner * hidden * static_cast<int64_t>(SizeOf(type)); }
  int64_t down_bytes() const { return hidden * inner * static_cast<int64_t>(SizeOf(type)); }
  int64_t gate_up_scales() const;  // Floats; 0 without.
  int64_t down_scales() const;
  int64_t bytes() const;  // One expert with its scales.
};

// Thread-safe. Freed memory must not be in use on the device: who computes holds the slab until the products are done.
class ExpertSlab {
 public:
  // RESOURCE_EXHAUSTED when the device has no room.
  static absl::StatusOr<std::shared_ptr<ExpertSlab>> Allocate(const ExpertFormat& format, int experts);

  int capacity() const { return static_cast<int>(taken_.size()); }

  // What a grouped product takes: [capacity, outputs, inputs] and the scales; places that nobody took hold anything.
  const void* gate_up() const { return gate_up_.data(); }  // [2, inner] outputs: gate, then up.
  const void* down() const { return down_.data(); }
  const float* gate_up_scales() const { return gate_up_scales_.As<float>(); }  // Null without.
  const float* down_scales() const { return down_scales_.As<float>(); }

  // A place to load an expert into; -1 when all are taken.
  int Take();
  void Give(int place);
  MatrixPlace GatePlace(int place) const { return HalfPlace(place, 0); }
  MatrixPlace UpPlace(int place) const { return HalfPlace(place, 1); }
  MatrixPlace DownPlace(int place) const;

 private:
  ExpertSlab(const ExpertFormat& format, int experts) : format_(format), taken_(static_cast<size_t>(experts)) {}
  MatrixPlace HalfPlace(int place, int half) const;

  const ExpertFormat format_;
  cuda::DeviceMemory gate_up_;
  cuda::DeviceMemory gate_up_scales_;
  cuda::DeviceMemory down_;
  cuda::DeviceMemory down_scales_;
  std::mutex mu_;
  std::vector<bool> taken_;
};

}  // namespace baleen

#endif  // BALEEN_MODEL_CUDA_EXPERT_SLAB_H_
