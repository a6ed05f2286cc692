// The top-k gate over a batch: kernels/gate.h's SelectExperts with the same bits.
#ifndef BALEEN_KERNELS_CUDA_GATE_GATE_H_
#define BALEEN_KERNELS_CUDA_GATE_GATE_H_

#include <cstdint>
#include <string>

#include "kernels/cuda/base/status.h"
#include "kernels/gate.h"

namespace baleen::cuda {

inline constexpr int kMaxGateExperts = 512;
inline constexpr int kMaxTopK = 32;

// All pointers are to device memory, 4-byte aligned.
struct GateArgs {
  GateParams params;  // groups <= 32, a divisor of experts.
  int64_t rows = 0;
  const float* logits = nullptr;  // [rows, experts]
  const float* bias = nullptr;    // [experts] or null
  int32_t* ids = nullptr;         // [rows, top_k], ascending
  float* weights = nullptr;       // [rows, top_k]
};

// Empty, or what is wrong with the arguments. Reads no memory.
std::string GateProblem(const GateArgs& args);

Status Gate(const GateArgs& args, Stream stream);

}  // namespace baleen::cuda

#endif  // BALEEN_KERNELS_CUDA_GATE_GATE_H_
