// Absorbed multi-head latent attention over paged KV (model spec section 3.3).
#ifndef BALEEN_KERNELS_MLA_ATTENTION_H_
#define BALEEN_KERNELS_MLA_ATTENTION_H_

#include <cstdint>

#include "base/dtype.h"
#include "base/kv_block.h"
#include "base/thread_pool.h"
#include "kernels/isa.h"

namespace baleen {

struct MlaShape {
  int heads = 0;
  int kv_lora = 0;  // The value is the first kv_lora channels of the key.
  int rope = 0;
  float scale = 0;               // Softmax scale, mscale^2 included.
  DType kv_dtype = DType::kF32;  // kF32 or kBf16
};

// One query: attends to positions 0 .. position of its sequence. pages[b] holds positions 64 b .. 64 b + 63 of one
// layer, row-major [64, kv_lora + rope] in kv_dtype.
struct MlaQueryRow {
  const void* const* pages = nullptr;
  int64_t position = 0;
};

// query [rows, heads, kv_lora + rope] F32, out [rows, heads, kv_lora] F32: softmax(scale * q k) c.
// Row-invariant: keys are walked in blocks of 64 by absolute position, with an online softmax over segments of them
// whose length the row's position alone decides (2,048 keys below position 32,768, then twice as many at each doubling), merged in
// ascending order; neither the other rows nor the thread count change a bit. Neighbouring rows with the same `pages` pointer
// share reads; segments of few rows run in parallel. Nothing behind a row's position has an effect, not even in its last block.
void MlaAttention(const MlaShape& shape, const MlaQueryRow* rows, int64_t row_count, const float* query, float* out, Isa isa,
                  ThreadPool* pool);

}  // namespace baleen

#endif  // BALEEN_KERNELS_MLA_ATTENTION_H_
