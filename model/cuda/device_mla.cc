#include "model/cuda/device_mla.h"

#include <algorithm>

#include "base/status_macros.h"
#include "kernels/cuda/gemm/gemm.h"
#include "kernels/cuda/kv_append/kv_append.h"
#include "kernels/cuda/mla/mla.h"
#include "kernels/cuda/norm/rms_norm.h"
#include "kernels/cuda/quantize/quantize.h"
#include "kernels/cuda/rope/rope.h"
#include "model/cuda/device_status.h"

namespace baleen {
namespace {

constexpr int64_t kBf16Bytes = sizeof(Bf16);
// Of splits' sums; longer contexts are attended to by fewer rows at a time, which changes no bit.
constexpr int64_t kWorkspaceFloats = int64_t{64} << 20;

// Row-major weights [heads, outputs, inputs], every head its own columns of x and y.
cuda::GemmArgs BatchedByHead(const DeviceAttentionShape& shape, int64_t rows) {
  cuda::GemmArgs args;
  args.grouping = cuda::RowGroups::kBatched;
  args.groups = static_cast<int>(shape.heads);
  args.rows = rows;
  return args;
}

absl::Status ProjectQuery(const DeviceMlaParams& params, const DeviceAttentionWeights& weights, const DeviceRows& x, const DeviceKvRows& kv,
                          const DeviceMlaScratch& scratch, cuda::Stream stream) {
  const DeviceAttentionShape& shape = params.shape;
  DeviceRows latent = x;
  if (shape.q_lora != 0) {
    cuda::RmsNormArgs norm;
    norm.type = DType::kBf16;
    norm.rows = kv.rows;
    norm.width = shape.q_lora;
    norm.x = scratch.fused.data();
    norm.ldx = shape.fused;
    norm.weight = weights.q_a_norm.As<float>();
    norm.eps = params.latent_eps;
    norm.normed = scratch.q_latent.values();
    norm.codes = scratch.q_latent.codes();
    norm.scales = scratch.q_latent.scales();
    norm.scale_stride = scratch.q_latent.scale_stride;
    RETURN_IF_ERROR(FromDevice(cuda::RmsNorm(norm, stream)));
    latent = scratch.q_latent.rows();
  }
  RETURN_IF_ERROR(Multiply(weights.q_b, latent, kv.rows, DType::kBf16, scratch.q.data(), shape.query, stream));
  cuda::GemmArgs absorb = BatchedByHead(shape, kv.rows);
  absorb.x = scratch.q.data();
  absorb.ldx = shape.query;
  absorb.group_x_stride = shape.head();
  absorb.inputs = shape.padded_nope;
  absorb.w = weights.w_uk.data();
  absorb.outputs = shape.kv_lora;
  absorb.y = scratch.query.data();
  absorb.ldy = shape.heads * shape.kv_width();
  absorb.group_y_stride = shape.kv_width();
  RETURN_IF_ERROR(FromDevice(cuda::Gemm(absorb, stream)));
  cuda::RopeArgs rope;
  rope.rows = kv.rows;
  rope.heads = static_cast<int>(shape.heads);
  rope.width = static_cast<int>(shape.rope);
  rope.x = scratch.q.As<Bf16>() + shape.nope;
  rope.x_row_stride = shape.query;
  rope.x_head_stride = shape.head();
  rope.y = scratch.query.As<Bf16>() + shape.kv_lora;
  rope.y_row_stride = shape.heads * shape.kv_width();
  rope.y_head_stride = shape.kv_width();
  rope.positions = kv.positions;
  rope.frequencies = params.rope_frequencies;
  rope.magnitude = params.rope_magnitude;
  return FromDevice(cuda::Rope(rope, stream));
}

// Rows at a time whose splits the workspace holds.
int64_t RowsAtATime(const DeviceAttentionShape& shape, int64_t rows, int64_t largest_position, int64_t workspace_floats) {
  const int64_t each = cuda::MlaWorkspaceFloats(1, static_cast<int>(shape.heads), largest_position);
  return each == 0 ? rows : std::clamp<int64_t>(workspace_floats / each, 1, rows);
}

absl::Status AttendToPages(const DeviceMlaParams& params, const DeviceKvRows& kv, const DeviceMlaScratch& scratch, cuda::Stream stream) {
  const DeviceAttentionShape& shape = params.shape;
  const int64_t most = RowsAtATime(shape, kv.rows, kv.largest_position, scratch.workspace_floats);
  for (int64_t row = 0; row < kv.rows; row += most) {
    cuda::MlaArgs args;
    args.rows = std::min(most, kv.rows - row);
    args.heads = static_cast<int>(shape.heads);
    args.latent = static_cast<int>(shape.kv_lora);
    args.rope = static_cast<int>(shape.rope);
    args.scale = params.scale;
    args.largest_position = kv.largest_position;
    args.query = scratch.query.As<Bf16>() + row * shape.heads * shape.kv_width();
    args.pages = kv.pages;
    args.page_count = kv.page_count;
    args.blocks = kv.blocks;
    args.first_block = kv.first_block + row;
    args.positions = kv.positions + row;
    args.context = scratch.context.As<Bf16>() + row * shape.heads * shape.kv_lora;
    args.workspace = scratch.workspace.As<float>();
    RETURN_IF_ERROR(FromDevice(cuda::Mla(args, stream)));
  }
  return absl::OkStatus();
}

}  // namespace

absl::StatusOr<DeviceMlaScratch> DeviceMlaScratch::Allocate(const DeviceMlaParams& params, int64_t max_rows, int64_t max_positions,
                                                            RankGroup* group) {
  const DeviceAttentionShape& shape = params.shape;
  const bool fp8 = params.compute == DType::kF8E4m3;
  DeviceMlaScratch scratch;
  ASSIGN_OR_RETURN(scratch.fused, AllocateOnDevice(max_rows * shape.fused * kBf16Bytes));
  if (shape.q_lora != 0) {
    // The second projection may be BF16 in an FP8 network (device_attention_weights.cc).
    ASSIGN_OR_RETURN(scratch.q_latent, DeviceActivations::Allocate(max_rows, shape.q_lora, true, fp8));
  }
  ASSIGN_OR_RETURN(scratch.q, AllocateOnDevice(max_rows * shape.query * kBf16Bytes));
  ASSIGN_OR_RETURN(scratch.query, AllocateOnDevice(max_rows * shape.heads * shape.kv_width() * kBf16Bytes));
  ASSIGN_OR_RETURN(scratch.context, AllocateOnDevice(max_rows * shape.heads * shape.kv_lora * kBf16Bytes));
  ASSIGN_OR_RETURN(scratch.heads_out, DeviceActivations::Allocate(max_rows, shape.all_heads * shape.v, true, fp8));
  const int64_t widest = std::max(shape.heads * shape.v, shape.outputs);
  ASSIGN_OR_RETURN(scratch.gather, ColumnGather::Allocate(group, shape.slice, max_rows, widest * kBf16Bytes));
  const int heads = static_cast<int>(shape.heads);
  const int64_t one = cuda::MlaWorkspaceFloats(1, heads, max_positions - 1);
  const int64_t all = cuda::MlaWorkspaceFloats(max_rows, heads, max_positions - 1);
  scratch.workspace_floats = std::max(one, std::min(all, kWorkspaceFloats));
  if (scratch.workspace_floats > 0) {
    ASSIGN_OR_RETURN(scratch.workspace, AllocateOnDevice(scratch.workspace_floats * static_cast<int64_t>(sizeof(float))));
  }
  return scratch;
}

absl::Status WriteKv(const DeviceMlaParams& params, const DeviceAttentionWeights& weights, const DeviceRows& x, const DeviceKvRows& kv,
                     const DeviceMlaScratch& scratch, cuda::Stream stream) {
  const DeviceAttentionShape& shape = params.shape;
  RETURN_IF_ERROR(Multiply(weights.fused, x, kv.rows, DType::kBf16, scratch.fused.data(), shape.fused, stream));
  cuda::KvAppendArgs args;
  args.rows = kv.rows;
  args.latent = static_cast<int>(shape.kv_lora);
  args.rope = static_cast<int>(shape.rope);
  args.kv = scratch.fused.As<Bf16>() + shape.kv_begin;
  args.ldkv = shape.fused;
  args.weight = weights.kv_a_norm.As<float>();
  args.eps = params.latent_eps;
  args.frequencies = params.rope_frequencies;
  args.magnitude = params.rope_magnitude;
  args.positions = kv.positions;
  args.blocks = kv.blocks;
  args.first_block = kv.first_block;
  args.pages = kv.pages;
  args.page_count = kv.page_count;
  return FromDevice(cuda::KvAppend(args, stream));
}

absl::Status Attend(const DeviceMlaParams& params, const DeviceAttentionWeights& weights, const DeviceRows& x, const DeviceKvRows& kv,
                    const DeviceMlaScratch& scratch, Bf16* y, cuda::Stream stream) {
  const DeviceAttentionShape& shape = params.shape;
  RETURN_IF_ERROR(ProjectQuery(params, weights, x, kv, scratch, stream));
  RETURN_IF_ERROR(AttendToPages(params, kv, scratch, stream));
  cuda::GemmArgs lift = BatchedByHead(shape, kv.rows);
  lift.x = scratch.context.data();
  lift.ldx = shape.heads * shape.kv_lora;
  lift.group_x_stride = shape.kv_lora;
  lift.inputs = shape.kv_lora;
  lift.w = weights.w_uv.data();
  lift.outputs = shape.v;
  lift.y = scratch.gather.Part(scratch.heads_out.values());
  lift.ldy = shape.heads * shape.v;
  lift.group_y_stride = shape.v;
  RETURN_IF_ERROR(FromDevice(cuda::Gemm(lift, stream)));
  const DeviceActivations& heads = scratch.heads_out;
  RETURN_IF_ERROR(scratch.gather.Gather(heads.values(), shape.heads * shape.v * kBf16Bytes, stream));
  if (weights.o.type == DType::kF8E4m3) {
    RETURN_IF_ERROR(FromDevice(
        cuda::Quantize({kv.rows, heads.width, heads.values(), heads.width, heads.codes(), heads.scales(), heads.scale_stride}, stream)));
  }
  RETURN_IF_ERROR(Multiply(weights.o, heads.rows(), kv.rows, DType::kBf16, scratch.gather.Part(y), shape.outputs, stream));
  return scratch.gather.Gather(y, shape.outputs * kBf16Bytes, stream);
}

}  // namespace baleen
