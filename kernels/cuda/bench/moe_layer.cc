#include "kernels/cuda/bench/moe_layer.h"

#include <cuda_runtime.h>

#include <functional>
#include <utility>

#include "kernels/cuda/base/launch.h"

namespace baleen::cuda::bench {
namespace {

constexpr int64_t kRows = 128;
constexpr int64_t kHidden = 7168;
constexpr int64_t kInner = 2048;
constexpr int kExperts = 256;
constexpr int kTopK = 8;
constexpr int64_t kCopies = kRows * kTopK;
// Of the gate's weights: logits then spread by about 1. Wider ones saturate the sigmoid, and ties send all rows to the first experts.
constexpr float kGateScale = 0.025f;

}  // namespace

GateParams V3GateParams() {
  GateParams params;
  params.experts = kExperts;
  params.top_k = kTopK;
  params.groups = 8;
  params.top_groups = 4;
  params.group_score = GateGroups::kSumOfTopTwo;
  params.normalize = true;
  params.scale = 2.5f;
  return params;
}

size_t FreeBytes() {
  size_t free_bytes = 0;
  size_t total = 0;
  Require(FromCuda(cudaMemGetInfo(&free_bytes, &total), "memory"));
  return free_bytes;
}

MoeLayer::MoeLayer()
    : up_(DType::kF8E4m3, RowGroups::kContiguous, kExperts, kCopies, 2 * kInner, kHidden),
      down_(DType::kF8E4m3, RowGroups::kContiguous, kExperts, kCopies, kHidden, kInner),
      gate_(DType::kBf16, RowGroups::kDense, 1, kRows, kExperts, kHidden) {
  DescribeNormAndGate();
  DescribeExperts();
  wanted_ = CountWanted();
}

Memory MoeLayer::Keep(Memory memory) {
  memory_.push_back(memory);
  return memory;
}

void MoeLayer::DescribeNormAndGate() {
  norm_.rows = kRows;
  norm_.width = norm_.ldx = kHidden;
  norm_.x = Keep(RandomF32(kRows * kHidden, -1, 1)).get();
  norm_.weight = As<float>(Keep(RandomF32(kHidden, 0, 1)));
  norm_.eps = 1e-6f;
  norm_.normed = As<Bf16>(Keep(Allocate(kRows * kHidden * sizeof(Bf16))));
  norm_.codes = As<uint8_t>(Keep(Allocate(kRows * kHidden)));
  norm_.scales = As<float>(Keep(Allocate(kRows * kHidden / kScaleBlock * sizeof(float))));
  norm_.scale_stride = kRows;
  gate_.args.output = DType::kF32;
  gate_.args.x = norm_.normed;
  gate_.args.w = gate_.Keep<Bf16>(RandomBf16(kExperts * kHidden, kGateScale));
  select_.params = V3GateParams();
  select_.rows = kRows;
  select_.logits = static_cast<const float*>(gate_.args.y);
  select_.ids = As<int32_t>(Keep(Allocate(kCopies * sizeof(int32_t))));
  select_.weights = As<float>(Keep(Allocate(kCopies * sizeof(float))));
}

void MoeLayer::DescribeExperts() {
  plan_.rows = kRows;
  plan_.top_k = kTopK;
  plan_.experts = plan_.groups = kExperts;
  plan_.ids = select_.ids;
  plan_.group_of_expert = As<int32_t>(Keep(CopyOf(Counting(kExperts))));
  plan_.group_rows = As<int32_t>(Keep(Allocate((kExperts + 1) * sizeof(int32_t))));
  plan_.slots = As<int32_t>(Keep(Allocate(kCopies * sizeof(int32_t))));
  up_.args.group_rows = down_.args.group_rows = plan_.group_rows;
  permute_.rows = kRows;
  permute_.top_k = kTopK;
  permute_.row_bytes = kHidden;
  permute_.x = norm_.codes;
  permute_.y = const_cast<void*>(up_.args.x);
  permute_.slots = plan_.slots;
  permute_.x_scales = norm_.scales;
  permute_.y_scales = const_cast<float*>(up_.args.x_scale);
  permute_.scale_blocks = kHidden / kScaleBlock;
  permute_.x_scale_stride = norm_.scale_stride;
  permute_.y_scale_stride = up_.args.x_scale_stride;
  swiglu_.gate_up = static_cast<const Bf16*>(up_.args.y);
  swiglu_.rows = kCopies;
  swiglu_.inner = kInner;
  swiglu_.codes = static_cast<uint8_t*>(const_cast<void*>(down_.args.x));
  swiglu_.scales = const_cast<float*>(down_.args.x_scale);
  swiglu_.scale_stride = down_.args.x_scale_stride;
  swiglu_.grouping = RowGroups::kContiguous;
  swiglu_.groups = kExperts;
  swiglu_.group_rows = plan_.group_rows;
  combine_.rows = kRows;
  combine_.top_k = kTopK;
  combine_.hidden = kHidden;
  combine_.y = static_cast<const Bf16*>(down_.args.y);
  combine_.slots = plan_.slots;
  combine_.weights = select_.weights;
  combine_.residual = static_cast<float*>(norm_.x);
}

int64_t MoeLayer::CountWanted() const {
  Require(RmsNorm(norm_, nullptr));
  Require(Gemm(gate_.args, nullptr));
  Require(Gate(select_, nullptr));
  Require(PlanPermute(plan_, nullptr));
  std::vector<int32_t> offsets(kExperts + 1);
  Require(FromCuda(cudaMemcpy(offsets.data(), plan_.group_rows, offsets.size() * sizeof(int32_t), cudaMemcpyDeviceToHost), "copy"));
  int64_t wanted = 0;
  for (size_t expert = 0; expert < kExperts; ++expert) wanted += offsets[expert + 1] > offsets[expert] ? 1 : 0;
  return wanted;
}

Status MoeLayer::Run(Stream stream) const {
  const std::function<Status()> steps[] = {
      [&] { return RmsNorm(norm_, stream); },     [&] { return Gemm(gate_.args, stream); },  [&] { return Gate(select_, stream); },
      [&] { return PlanPermute(plan_, stream); }, [&] { return Permute(permute_, stream); }, [&] { return Gemm(up_.args, stream); },
      [&] { return SwiGlu(swiglu_, stream); },    [&] { return Gemm(down_.args, stream); },  [&] { return Combine(combine_, stream); },
  };
  for (const std::function<Status()>& step : steps) {
    if (Status status = step(); !status.ok()) return status;
  }
  return Status();
}

double MoeLayer::bytes() const {
  // A row: norm reads 4 and writes 2 + 1, permute reads 1 and writes 8, combine reads 8 x 2 + 4 and writes 4. A copy: SwiGLU reads 4 and
  // writes 1.
  return up_.bytes(kCopies, wanted_) + down_.bytes(kCopies, wanted_) + gate_.bytes(kRows, 1) +
         static_cast<double>(kRows * kHidden) * (7 + 9 + 24) + static_cast<double>(kCopies * kInner) * 5;
}

double MoeLayer::flops() const { return up_.flops(kCopies) + down_.flops(kCopies) + gate_.flops(kRows); }

}  // namespace baleen::cuda::bench
