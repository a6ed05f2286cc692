// What decides a result's bits besides the request and the checkpoint.
#ifndef BALEEN_MODEL_LAYERS_NUMERICS_H_
#define BALEEN_MODEL_LAYERS_NUMERICS_H_

#include <optional>
#include <string>
#include <string_view>

#include "absl/status/statusor.h"
#include "base/dtype.h"
#include "kernels/isa.h"
#include "model/config/model_config.h"

namespace baleen {

// Where a network is computed. kCudaEmulated: the GPU's kernels in plain loops on the host, in builds without CUDA, for tests.
enum class Device { kCpu, kCuda, kCudaEmulated };

struct Numerics {
  DType compute = DType::kBf16;  // How linear layers form products (kernels/linear.h); kBf16 or kF8E4m3 on a GPU.
  Isa isa = Isa::kReference;     // Of the CPU.
  Device device = Device::kCpu;

  bool on_gpu() const { return device != Device::kCpu; }

  // KV, the experts' wire and what stays out of quantisation: kF32 for kF32, else kBf16.
  DType activations() const { return compute == DType::kF32 ? DType::kF32 : DType::kBf16; }

  // The output head and the MTP projection: as `compute`, but BF16 for FP8, as FP8 checkpoints have them.
  DType head() const { return compute == DType::kF8E4m3 ? DType::kBf16 : compute; }

  // "cpu-avx512-bf16-r2", "cuda-sm90a-fp8-r1": device, ISA, dtype and kernel revision. Workers with equal ids give equal bits.
  std::string Id() const;
};

// What --dtype takes: "auto" (BF16), "bf16", "f32", "int8" or "fp8".
inline constexpr char kDTypeNames[] = "auto, bf16, f32, int8 or fp8";
std::optional<DType> ParseComputeDType(std::string_view name);

// What `device` computes a checkpoint in when --dtype says `dtype`. "auto" is BF16 on a CPU; on a GPU FP8 where the checkpoint is.
// INVALID_ARGUMENT names what cannot be.
absl::StatusOr<Numerics> ChooseNumerics(Device device, std::string_view dtype, const ModelConfig& config);

}  // namespace baleen

#endif  // BALEEN_MODEL_LAYERS_NUMERICS_H_
