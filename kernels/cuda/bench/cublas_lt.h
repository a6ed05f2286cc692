// cuBLASLt, the baseline of dense products.
#ifndef BALEEN_KERNELS_CUDA_BENCH_CUBLAS_LT_H_
#define BALEEN_KERNELS_CUDA_BENCH_CUBLAS_LT_H_

#include <memory>

#include "kernels/cuda/base/status.h"
#include "kernels/cuda/gemm/gemm.h"

namespace baleen::cuda::bench {

// One dense product with the algorithm that cuBLASLt's heuristics put first. FP8 with the scales of GemmArgs (1 x 128 and 128 x 128) where
// this cuBLASLt can, else with one scale a tensor, which is less work.
class CublasLtProduct {
 public:
  // status() tells whether cuBLASLt can do it.
  explicit CublasLtProduct(const GemmArgs& args);
  ~CublasLtProduct();
  CublasLtProduct(const CublasLtProduct&) = delete;
  CublasLtProduct& operator=(const CublasLtProduct&) = delete;

  const Status& status() const { return status_; }
  const char* name() const { return name_; }
  Status Run(Stream stream) const;

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
  Status status_;
  const char* name_ = "cuBLASLt";
};

}  // namespace baleen::cuda::bench

#endif  // BALEEN_KERNELS_CUDA_BENCH_CUBLAS_LT_H_
