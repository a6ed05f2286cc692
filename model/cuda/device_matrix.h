// A linear layer on a GPU: weights in its memory, activations on their way into the product.
#ifndef BALEEN_MODEL_CUDA_DEVICE_MATRIX_H_
#define BALEEN_MODEL_CUDA_DEVICE_MATRIX_H_

#include <cstdint>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "base/dtype.h"
#include "kernels/cuda/base/device.h"
#include "kernels/linear.h"

namespace baleen {

// Zeroed device memory. RESOURCE_EXHAUSTED when there is no room.
absl::StatusOr<cuda::DeviceMemory> AllocateOnDevice(int64_t bytes);
absl::StatusOr<cuda::DeviceMemory> UploadFloats(const std::vector<float>& values);

// Row-major [outputs, inputs] of kBf16 or kF8E4m3, the latter with a scale for each 128 x 128. Movable; immutable once uploaded.
struct DeviceMatrix {
  DType type = DType::kBf16;
  int64_t outputs = 0;
  int64_t inputs = 0;
  cuda::DeviceMemory data;
  cuda::DeviceMemory scales;  // [ceil(outputs / 128), ceil(inputs / 128)]

  // All zeros, which add nothing to a product.
  static absl::StatusOr<DeviceMatrix> Allocate(DType type, int64_t outputs, int64_t inputs);
  // Brings the view to rows [first, first + rows), zeros behind it. kF8E4m3: `first` is a multiple of 128.
  absl::Status Upload(const WeightView& view, int64_t first, int64_t rows);
  // One view alone, its inputs filled up with zeros to `inputs`.
  static absl::StatusOr<DeviceMatrix> Of(const WeightView& view, DType type, int64_t inputs);
};

// Rows as a product takes them: BF16 values with a row stride, or FP8 codes with scales [ceil(width / 128), scale_stride].
struct DeviceRows {
  const Bf16* values = nullptr;
  const uint8_t* codes = nullptr;
  int64_t stride = 0;  // Elements.
  const float* scales = nullptr;
  int64_t scale_stride = 0;
};

// Memory for rows of `width` values in BF16, in FP8, or in both.
struct DeviceActivations {
  int64_t width = 0;
  int64_t scale_stride = 0;
  cuda::DeviceMemory value_memory;  // Empty without BF16.
  cuda::DeviceMemory code_memory;   // Empty without FP8.
  cuda::DeviceMemory scale_memory;

  static absl::StatusOr<DeviceActivations> Allocate(int64_t max_rows, int64_t width, bool bf16, bool fp8);

  Bf16* values() const { return value_memory.As<Bf16>(); }
  uint8_t* codes() const { return code_memory.As<uint8_t>(); }
  float* scales() const { return scale_memory.As<float>(); }
  DeviceRows rows() const { return {values(), codes(), width, scales(), scale_stride}; }
};

// Enqueues y [rows, matrix.outputs] = x matrix^T, `output` being kBf16 or kF32, with row stride ldy elements.
absl::Status Multiply(const DeviceMatrix& matrix, const DeviceRows& x, int64_t rows, DType output, void* y, int64_t ldy,
                      cuda::Stream stream);

}  // namespace baleen

#endif  // BALEEN_MODEL_CUDA_DEVICE_MATRIX_H_
