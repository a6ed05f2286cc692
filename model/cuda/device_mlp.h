// A SwiGLU MLP on a GPU: a dense layer's or the shared expert's (model spec section 3.5).
#ifndef BALEEN_MODEL_CUDA_DEVICE_MLP_H_
#define BALEEN_MODEL_CUDA_DEVICE_MLP_H_

#include <cstdint>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "kernels/cuda/base/device.h"
#include "model/checkpoint/checkpoint.h"
#include "model/cuda/device_matrix.h"
#include "model/cuda/rounding.h"

namespace baleen {

// The inner width as stored: zeros up to the next multiple of 128 add nothing, and the up half's scales begin where the gate half's end.
constexpr int64_t PaddedInner(int64_t inner) { return RoundUp(inner, 128); }

// Immutable once loaded.
struct DeviceMlpWeights {
  DeviceMatrix gate_up;  // hidden -> 2 * PaddedInner(inner): gate, then up.
  DeviceMatrix down;     // PaddedInner(inner) -> hidden

  // `prefix` ends before "gate_proj.weight".
  static absl::StatusOr<DeviceMlpWeights> Load(Checkpoint& checkpoint, const std::string& prefix, int64_t hidden, int64_t inner,
                                               DType compute);
};

// For MLPs up to this inner width.
struct DeviceMlpScratch {
  cuda::DeviceMemory gate_up;  // BF16 [rows, 2, inner]
  cuda::DeviceMemory values;   // BF16 [rows, inner]; empty with FP8.
  cuda::DeviceMemory codes;    // FP8 [rows, inner] with its scales; empty with BF16.
  cuda::DeviceMemory scales;
  int64_t scale_stride = 0;

  static absl::StatusOr<DeviceMlpScratch> Allocate(int64_t max_rows, int64_t inner, DType compute);
};

// Enqueues y [rows, hidden] BF16 = down(silu(gate x) * (up x)). Row-invariant.
absl::Status ApplyMlp(const DeviceMlpWeights& weights, const DeviceRows& x, int64_t rows, const DeviceMlpScratch& scratch, Bf16* y,
                      cuda::Stream stream);

}  // namespace baleen

#endif  // BALEEN_MODEL_CUDA_DEVICE_MLP_H_
