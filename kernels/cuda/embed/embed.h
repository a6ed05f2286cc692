// Token embeddings into the residual stream.
#ifndef BALEEN_KERNELS_CUDA_EMBED_EMBED_H_
#define BALEEN_KERNELS_CUDA_EMBED_EMBED_H_

#include <cstdint>
#include <string>

#include "base/dtype.h"
#include "kernels/cuda/base/status.h"

namespace baleen::cuda {

// All pointers are to device memory.
struct EmbedArgs {
  int64_t rows = 0;
  int64_t hidden = 0;               // A multiple of 4.
  int64_t vocabulary = 0;           // Rows of the table.
  const int32_t* tokens = nullptr;  // [rows]; a row whose token is not in [0, vocabulary) is not written.
  const Bf16* table = nullptr;      // [vocabulary, hidden], 8-byte aligned
  float* residual = nullptr;        // [rows, hidden], 16-byte aligned
};

// Empty, or what is wrong with the arguments. Reads no memory.
std::string EmbedProblem(const EmbedArgs& args);

Status Embed(const EmbedArgs& args, Stream stream);

}  // namespace baleen::cuda

#endif  // BALEEN_KERNELS_CUDA_EMBED_EMBED_H_
