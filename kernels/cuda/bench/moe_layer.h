// One true-size MoE layer of DeepSeek-V3 for 128 rows, all 256 experts on this GPU.
#ifndef BALEEN_KERNELS_CUDA_BENCH_MOE_LAYER_H_
#define BALEEN_KERNELS_CUDA_BENCH_MOE_LAYER_H_

#include <vector>

#include "kernels/cuda/bench/product.h"
#include "kernels/cuda/gate/gate.h"
#include "kernels/cuda/norm/rms_norm.h"
#include "kernels/cuda/permute/permute.h"
#include "kernels/cuda/swiglu/swiglu.h"

namespace baleen::cuda::bench {

GateParams V3GateParams();
size_t FreeBytes();

// Norm, gate, permute, gate and up projection, SwiGLU, down projection, combine. Takes about 12 GiB of device memory.
class MoeLayer {
 public:
  MoeLayer();
  Status Run(Stream stream) const;

  // The sum over its kernels; weights of the experts that some row wants.
  double bytes() const;
  double flops() const;
  int64_t wanted_experts() const { return wanted_; }

 private:
  Memory Keep(Memory memory);
  void DescribeNormAndGate();
  void DescribeExperts();
  // Experts that the gate chose; runs the layer up to there.
  int64_t CountWanted() const;

  std::vector<Memory> memory_;
  Product up_;
  Product down_;
  Product gate_;
  RmsNormArgs norm_;
  GateArgs select_;
  PlanPermuteArgs plan_;
  PermuteArgs permute_;
  SwiGluArgs swiglu_;
  CombineArgs combine_;
  int64_t wanted_ = 0;
};

}  // namespace baleen::cuda::bench

#endif  // BALEEN_KERNELS_CUDA_BENCH_MOE_LAYER_H_
