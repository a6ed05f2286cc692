// Absorbed multi-head latent attention over paged KV in BF16 (model spec section 3.3). One form for decode and prefill: a row's result is
// the same bits in both. V3's shape (512 + 64) runs on the tensor cores of Hopper; other shapes on a plain kernel, made to be right.
//
// Row-invariant: keys are walked in blocks of 64 by absolute position; splits end at multiples of kSplitKeys, so how many a row has depends
// on its position alone; they are merged in ascending order.
#ifndef BALEEN_KERNELS_CUDA_MLA_MLA_H_
#define BALEEN_KERNELS_CUDA_MLA_MLA_H_

#include <cstdint>
#include <string>

#include "base/dtype.h"
#include "kernels/cuda/base/status.h"

namespace baleen::cuda {

inline constexpr int kMlaLatent = 512;  // The value is the first 512 channels of the key.
inline constexpr int kMlaRope = 64;
inline constexpr int kMlaWidth = kMlaLatent + kMlaRope;
inline constexpr int kMostMlaLatent = 1024;
inline constexpr int kMostMlaRope = 256;

// All pointers are to device memory.
struct MlaArgs {
  int64_t rows = 0;
  int heads = 0;
  int latent = kMlaLatent;  // The value is the key's first `latent` channels; latent + rope is a multiple of 8.
  int rope = kMlaRope;
  float scale = 0;               // Softmax scale, mscale^2 included; > 0.
  int64_t largest_position = 0;  // At least every row's: sizes the launch and the workspace, and changes no bit.

  const Bf16* query = nullptr;  // [rows, heads, latent + rope], 16-byte aligned
  const Bf16* pages = nullptr;  // [page_count, 64, latent + rope], one layer's; 16-byte aligned
  int64_t page_count = 0;
  // Row r attends to positions 0 .. positions[r] of its sequence; the page of positions 64 b .. 64 b + 63 is blocks[first_block[r] + b].
  const int32_t* blocks = nullptr;
  const int32_t* first_block = nullptr;  // [rows]
  const int32_t* positions = nullptr;    // [rows]

  Bf16* context = nullptr;     // [rows, heads, latent]: softmax(scale * q k) c. 16-byte aligned; aliases nothing.
  float* workspace = nullptr;  // V3's shape: MlaWorkspaceFloats(...) floats, 16-byte aligned; may be null when that is 0.
};

// Floats of workspace for V3's shape: 0 while every row has one split.
int64_t MlaWorkspaceFloats(int64_t rows, int heads, int64_t largest_position);

// Whether the tensor cores' kernel takes it.
bool HasV3Shape(const MlaArgs& args);

// Empty, or what is wrong with the arguments. Reads no memory.
std::string MlaProblem(const MlaArgs& args);

// Enqueues the attention. What lies behind a row's position in its last page may be anything, NaN included.
Status Mla(const MlaArgs& args, Stream stream);

}  // namespace baleen::cuda

#endif  // BALEEN_KERNELS_CUDA_MLA_MLA_H_
