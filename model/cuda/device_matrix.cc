#include "model/cuda/device_matrix.h"

#include <utility>

#include "base/status_macros.h"
#include "kernels/cuda/base/quantize_row.h"
#include "kernels/cuda/gemm/gemm.h"
#include "model/cuda/device_status.h"
#include "model/cuda/rounding.h"
#include "model/cuda/upload_matrix.h"

namespace baleen {
absl::StatusOr<cuda::DeviceMemory> AllocateOnDevice(int64_t bytes) {
  cuda::DeviceMemory memory;
  if (const cuda::Status status = cuda::DeviceMemory::Allocate(static_cast<size_t>(bytes), &memory); !status.ok()) {
    return absl::ResourceExhaustedError(status.message());
  }
  RETURN_IF_ERROR(FromDevice(cuda::FillAsync(memory.data(), 0, memory.bytes(), nullptr)));
  // Streams do not wait for the null stream: the zeros must not come after what they write.
  RETURN_IF_ERROR(FromDevice(cuda::SynchronizeDevice()));
  return memory;
}

absl::StatusOr<cuda::DeviceMemory> UploadFloats(const std::vector<float>& values) {
  ASSIGN_OR_RETURN(cuda::DeviceMemory memory, AllocateOnDevice(static_cast<int64_t>(values.size() * sizeof(float))));
  RETURN_IF_ERROR(FromDevice(cuda::CopyNow(memory.data(), values.data(), memory.bytes())));
  return memory;
}

absl::StatusOr<DeviceMatrix> DeviceMatrix::Allocate(DType type, int64_t outputs, int64_t inputs) {
  DeviceMatrix matrix;
  matrix.type = type;
  matrix.outputs = outputs;
  matrix.inputs = inputs;
  ASSIGN_OR_RETURN(matrix.data, AllocateOnDevice(outputs * inputs * static_cast<int64_t>(SizeOf(type))));
  if (type == DType::kF8E4m3) {
    ASSIGN_OR_RETURN(matrix.scales, AllocateOnDevice(ScaleBlocks(outputs) * ScaleBlocks(inputs) * static_cast<int64_t>(sizeof(float))));
  }
  return matrix;
}

absl::Status DeviceMatrix::Upload(const WeightView& view, int64_t first, int64_t rows) {
  MatrixPlace place = {.type = type, .rows = rows, .cols = inputs};
  place.data = data.As<std::byte>() + first * inputs * static_cast<int64_t>(SizeOf(type));
  if (type == DType::kF8E4m3) {
    if (first % cuda::kScaleBlock != 0) return absl::InvalidArgumentError("a matrix in FP8 begins within a block of 128 rows");
    place.scales = scales.As<float>() + first / cuda::kScaleBlock * ScaleBlocks(inputs);
  }
  return UploadMatrix(view, place);
}

absl::StatusOr<DeviceMatrix> DeviceMatrix::Of(const WeightView& view, DType type, int64_t inputs) {
  ASSIGN_OR_RETURN(DeviceMatrix matrix, Allocate(type, view.rows, inputs));
  RETURN_IF_ERROR(matrix.Upload(view, 0, view.rows));
  return matrix;
}

absl::StatusOr<DeviceActivations> DeviceActivations::Allocate(int64_t max_rows, int64_t width, bool bf16, bool fp8) {
  DeviceActivations activations;
  activations.width = width;
  activations.scale_stride = ScaleStride(max_rows);
  if (bf16) {
    ASSIGN_OR_RETURN(activations.value_memory, AllocateOnDevice(max_rows * width * static_cast<int64_t>(sizeof(Bf16))));
  }
  if (fp8) {
    ASSIGN_OR_RETURN(activations.code_memory, AllocateOnDevice(max_rows * width));
    ASSIGN_OR_RETURN(activations.scale_memory,
                     AllocateOnDevice(ScaleBlocks(width) * activations.scale_stride * static_cast<int64_t>(sizeof(float))));
  }
  return activations;
}

absl::Status Multiply(const DeviceMatrix& matrix, const DeviceRows& x, int64_t rows, DType output, void* y, int64_t ldy,
                      cuda::Stream stream) {
  cuda::GemmArgs args;
  args.input = matrix.type;
  args.output = output;
  args.x = matrix.type == DType::kBf16 ? static_cast<const void*>(x.values) : x.codes;
  args.ldx = x.stride;
  args.w = matrix.data.data();
  args.y = y;
  args.rows = rows;
  args.outputs = matrix.outputs;
  args.inputs = matrix.inputs;
  args.ldy = ldy;
  if (matrix.type == DType::kF8E4m3) {
    args.x_scale = x.scales;
    args.x_scale_stride = x.scale_stride;
    args.w_scale = matrix.scales.As<float>();
  }
  return FromDevice(cuda::Gemm(args, stream));
}

}  // namespace baleen
