// The latent KV of new positions into their pages: norm of the latent part, rotation of the rest, BF16 (model spec sections 3.1 and 3.4).
#ifndef BALEEN_KERNELS_CUDA_KV_APPEND_KV_APPEND_H_
#define BALEEN_KERNELS_CUDA_KV_APPEND_KV_APPEND_H_

#include <cstdint>
#include <string>

#include "base/dtype.h"
#include "kernels/cuda/base/status.h"

namespace baleen::cuda {

inline constexpr int kMaxLatent = 1024;
inline constexpr int kMaxKvRope = 256;

// All pointers are to device memory.
struct KvAppendArgs {
  int64_t rows = 0;
  int latent = 0;             // A multiple of 4.
  int rope = 0;               // Even.
  DType type = DType::kBf16;  // Of kv: kF32 or kBf16.
  const void* kv = nullptr;   // [rows, latent + rope] as projected, row stride ldkv elements; 16-byte aligned, rows too.
  int64_t ldkv = 0;
  const float* weight = nullptr;  // [latent], 16-byte aligned
  float eps = 0;
  const float* frequencies = nullptr;  // [rope / 2]
  float magnitude = 1;
  const int32_t* positions = nullptr;  // [rows]
  // The page of positions 64 b .. 64 b + 63 of row r's sequence is blocks[first_block[r] + b].
  const int32_t* blocks = nullptr;
  const int32_t* first_block = nullptr;  // [rows]
  Bf16* pages = nullptr;                 // [page_count, 64, latent + rope], one layer's; 8-byte aligned
  int64_t page_count = 0;                // A row whose page lies outside is not written.
};

// Empty, or what is wrong with the arguments. Reads no memory.
std::string KvAppendProblem(const KvAppendArgs& args);

// Rows of one call that share a (page, slot) bring the same values. Row-invariant.
Status KvAppend(const KvAppendArgs& args, Stream stream);

}  // namespace baleen::cuda

#endif  // BALEEN_KERNELS_CUDA_KV_APPEND_KV_APPEND_H_
