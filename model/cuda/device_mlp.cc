#include "model/cuda/device_mlp.h"

#include "base/status_macros.h"
#include "kernels/cuda/swiglu/swiglu.h"
#include "model/cuda/device_status.h"
#include "model/cuda/rounding.h"

namespace baleen {

absl::StatusOr<DeviceMlpWeights> DeviceMlpWeights::Load(Checkpoint& checkpoint, const std::string& prefix, int64_t hidden, int64_t inner,
                                                        DType compute) {
  ASSIGN_OR_RETURN(const WeightView gate, checkpoint.GetWeight(prefix + "gate_proj.weight", inner, hidden));
  ASSIGN_OR_RETURN(const WeightView up, checkpoint.GetWeight(prefix + "up_proj.weight", inner, hidden));
  ASSIGN_OR_RETURN(const WeightView down, checkpoint.GetWeight(prefix + "down_proj.weight", hidden, inner));
  const int64_t padded = PaddedInner(inner);
  DeviceMlpWeights weights;
  ASSIGN_OR_RETURN(weights.gate_up, DeviceMatrix::Allocate(compute, 2 * padded, hidden));
  RETURN_IF_ERROR(weights.gate_up.Upload(gate, 0, padded));
  RETURN_IF_ERROR(weights.gate_up.Upload(up, padded, padded));
  ASSIGN_OR_RETURN(weights.down, DeviceMatrix::Of(down, compute, padded));
  return weights;
}

absl::StatusOr<DeviceMlpScratch> DeviceMlpScratch::Allocate(int64_t max_rows, int64_t inner, DType compute) {
  const int64_t padded = PaddedInner(inner);
  DeviceMlpScratch scratch;
  ASSIGN_OR_RETURN(scratch.gate_up, AllocateOnDevice(max_rows * 2 * padded * static_cast<int64_t>(sizeof(Bf16))));
  if (compute == DType::kBf16) {
    ASSIGN_OR_RETURN(scratch.values, AllocateOnDevice(max_rows * padded * static_cast<int64_t>(sizeof(Bf16))));
    return scratch;
  }
  scratch.scale_stride = ScaleStride(max_rows);
  ASSIGN_OR_RETURN(scratch.codes, AllocateOnDevice(max_rows * padded));
  ASSIGN_OR_RETURN(scratch.scales, AllocateOnDevice(padded / 128 * scratch.scale_stride * static_cast<int64_t>(sizeof(float))));
  return scratch;
}

absl::Status ApplyMlp(const DeviceMlpWeights& weights, const DeviceRows& x, int64_t rows, const DeviceMlpScratch& scratch, Bf16* y,
                      cuda::Stream stream) {
  const int64_t inner = weights.down.inputs;
  RETURN_IF_ERROR(Multiply(weights.gate_up, x, rows, DType::kBf16, scratch.gate_up.data(), 2 * inner, stream));
  cuda::SwiGluArgs args;
  args.gate_up = scratch.gate_up.As<Bf16>();
  args.rows = rows;
  args.inner = inner;
  args.out = scratch.values.As<Bf16>();
  args.codes = scratch.codes.As<uint8_t>();
  args.scales = scratch.scales.As<float>();
  args.scale_stride = scratch.scale_stride;
  RETURN_IF_ERROR(FromDevice(cuda::SwiGlu(args, stream)));
  const DeviceRows activated = {args.out, args.codes, inner, args.scales, args.scale_stride};
  return Multiply(weights.down, activated, rows, DType::kBf16, y, weights.down.outputs, stream);
}

}  // namespace baleen
