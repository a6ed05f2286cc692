#include "model/cuda/expert_products.h"

#include <algorithm>
#include <cstddef>
#include <utility>

#include "absl/strings/str_cat.h"
#include "base/status_macros.h"
#include "kernels/cuda/gemm/gemm.h"
#include "kernels/cuda/permute/permute.h"
#include "kernels/cuda/quantize/quantize.h"
#include "kernels/cuda/swiglu/swiglu.h"
#include "model/cuda/device_status.h"
#include "model/cuda/rounding.h"

namespace baleen {
namespace {

using cuda::Status;

int64_t ScaleBytes(int64_t rows, int64_t width) { return ScaleBlocks(width) * ScaleStride(rows) * static_cast<int64_t>(sizeof(float)); }

absl::Status Take(int64_t bytes, cuda::DeviceMemory* memory) {
  return HasRoom(cuda::DeviceMemory::Allocate(static_cast<size_t>(bytes), memory), bytes, "of scratch on the device");
}

// The product of one stack's groups.
cuda::GemmArgs StackProduct(const ExpertFormat& format, const DeviceExpertLayer::Stack& stack, const ExpertProducts::Batch& batch) {
  cuda::GemmArgs args;
  args.input = format.type;
  args.output = DType::kBf16;
  args.grouping = cuda::RowGroups::kContiguous;
  args.groups = stack.slab->capacity();
  args.rows = batch.slot_count;
  args.group_rows = batch.group_rows + stack.first_group;
  args.expected_rows = batch.expected_rows;
  args.x_scale_stride = ScaleStride(batch.slot_count);
  return args;
}

}  // namespace

absl::StatusOr<ExpertProducts> ExpertProducts::Create(const ExpertFormat& format, int64_t max_rows, int64_t max_slots) {
  ExpertProducts made(format, max_rows, max_slots);
  const int64_t size = static_cast<int64_t>(SizeOf(format.type));
  const int64_t bf16 = sizeof(Bf16);
  if (made.fp8()) {
    RETURN_IF_ERROR(Take(max_rows * format.hidden, &made.row_codes_));
    RETURN_IF_ERROR(Take(ScaleBytes(max_rows, format.hidden), &made.row_scales_));
    RETURN_IF_ERROR(Take(ScaleBytes(max_slots, format.hidden), &made.x_scales_));
    RETURN_IF_ERROR(Take(ScaleBytes(max_slots, format.inner), &made.inner_scales_));
  }
  RETURN_IF_ERROR(Take(max_slots * format.hidden * size, &made.x_));
  RETURN_IF_ERROR(Take(max_slots * 2 * format.inner * bf16, &made.gate_up_));
  RETURN_IF_ERROR(Take(max_slots * format.inner * size, &made.inner_));
  RETURN_IF_ERROR(Take(max_slots * format.hidden * bf16, &made.y_));
  return made;
}

Status ExpertProducts::Enqueue(const Batch& batch, cuda::Stream stream) {
  if (batch.rows > max_rows_ || batch.slot_count > max_slots_) {
    return Status(
        absl::StrCat("ExpertProducts: ", batch.rows, " rows in ", batch.slot_count, " slots, of ", max_rows_, " in ", max_slots_));
  }
  if (batch.slot_count == 0) return Status();
  if (Status status = Gather(batch, stream); !status.ok()) return status;
  if (Status status = GateAndUp(batch, stream); !status.ok()) return status;
  if (Status status = Activate(batch, stream); !status.ok()) return status;
  return Down(batch, stream);
}

Status ExpertProducts::Gather(const Batch& batch, cuda::Stream stream) const {
  cuda::PermuteArgs args;
  args.rows = batch.rows;
  args.top_k = batch.top_k;
  args.row_bytes = format_.hidden * static_cast<int64_t>(SizeOf(format_.type));
  args.x = batch.x;
  args.y = x_.data();
  args.slots = batch.slots;
  if (fp8()) {
    // Once a row, not once a copy.
    cuda::QuantizeArgs quantize;
    quantize.rows = batch.rows;
    quantize.width = quantize.ldx = format_.hidden;
    quantize.x = batch.x;
    quantize.codes = row_codes_.As<uint8_t>();
    quantize.scales = row_scales_.As<float>();
    quantize.scale_stride = ScaleStride(batch.rows);
    if (Status status = Quantize(quantize, stream); !status.ok()) return status;
    args.x = row_codes_.data();
    args.x_scales = row_scales_.As<float>();
    args.y_scales = x_scales_.As<float>();
    args.scale_blocks = ScaleBlocks(format_.hidden);
    args.x_scale_stride = quantize.scale_stride;
    args.y_scale_stride = ScaleStride(batch.slot_count);
  }
  return Permute(args, stream);
}

Status ExpertProducts::GateAndUp(const Batch& batch, cuda::Stream stream) const {
  for (const DeviceExpertLayer::Stack& stack : batch.layer->stacks) {
    cuda::GemmArgs args = StackProduct(format_, stack, batch);
    args.x = x_.data();
    args.x_scale = x_scales_.As<float>();
    args.w = stack.slab->gate_up();
    args.w_scale = stack.slab->gate_up_scales();
    args.y = gate_up_.data();
    args.inputs = args.ldx = format_.hidden;
    args.outputs = args.ldy = 2 * format_.inner;
    if (Status status = Gemm(args, stream); !status.ok()) return status;
  }
  return Status();
}

Status ExpertProducts::Activate(const Batch& batch, cuda::Stream stream) const {
  cuda::SwiGluArgs args;
  args.gate_up = gate_up_.As<Bf16>();
  args.rows = batch.slot_count;
  args.inner = format_.inner;
  args.grouping = cuda::RowGroups::kContiguous;
  args.groups = batch.layer->groups;
  args.group_rows = batch.group_rows;
  if (fp8()) {
    args.codes = inner_.As<uint8_t>();
    args.scales = inner_scales_.As<float>();
    args.scale_stride = ScaleStride(batch.slot_count);
  } else {
    args.out = inner_.As<Bf16>();
  }
  return SwiGlu(args, stream);
}

Status ExpertProducts::Down(const Batch& batch, cuda::Stream stream) const {
  for (const DeviceExpertLayer::Stack& stack : batch.layer->stacks) {
    cuda::GemmArgs args = StackProduct(format_, stack, batch);
    args.x = inner_.data();
    args.x_scale = inner_scales_.As<float>();
    args.w = stack.slab->down();
    args.w_scale = stack.slab->down_scales();
    args.y = y_.data();
    args.inputs = args.ldx = format_.inner;
    args.outputs = args.ldy = format_.hidden;
    if (Status status = Gemm(args, stream); !status.ok()) return status;
  }
  return Status();
}

}  // namespace baleen
