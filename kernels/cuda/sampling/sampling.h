// Tokens from logits: model/sampling/sampler.h's choice on the device.
//
// The weights are the sampler's to the bit; their sums are integers in units of 2^-45 of the likeliest token's weight instead of doubles in
// a given order. So tokens agree unless a random number falls within about 1e-9 of a border. A row's token depends on the row alone.
#ifndef BALEEN_KERNELS_CUDA_SAMPLING_SAMPLING_H_
#define BALEEN_KERNELS_CUDA_SAMPLING_SAMPLING_H_

#include <cstdint>
#include <string>

#include "kernels/cuda/base/status.h"

namespace baleen::cuda {

// Of one row; as in SamplerParams. `uniform` is PhiloxUniform(seed, choice, position).
struct RowSampling {
  float temperature = 0;  // 0 = greedy.
  float top_p = 1;
  float min_p = 0;
  int32_t top_k = 0;
  double uniform = 0;
};

// All pointers are to device memory.
struct SamplingArgs {
  int64_t rows = 0;
  int64_t vocabulary = 0;                      // Ids that may be chosen, at most 2^18; beyond lie rows of the head without a token.
  const float* logits = nullptr;               // [rows, ld], 4-byte aligned; adjustments made
  int64_t ld = 0;                              // >= vocabulary
  const RowSampling* rows_sampling = nullptr;  // [rows]
  const uint32_t* allowed = nullptr;           // [rows, ceil(vocabulary / 32)] bit id % 32 of word id / 32, or null = all
  int32_t* tokens = nullptr;                   // [rows]: -1 when nothing is allowed
};

// Empty, or what is wrong with the arguments. Reads no memory.
std::string SamplingProblem(const SamplingArgs& args);

Status Sample(const SamplingArgs& args, Stream stream);

// The same choice by one thread on the host, for tests: one row, pointers to host memory; `allowed` may be null.
int32_t SampleOnHost(const RowSampling& sampling, const float* logits, int64_t vocabulary, const uint32_t* allowed);

}  // namespace baleen::cuda

#endif  // BALEEN_KERNELS_CUDA_SAMPLING_SAMPLING_H_
