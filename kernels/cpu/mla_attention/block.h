// The contract between MlaAttention and its kernels, one for each instruction set. As in kernels/cpu/linear/panel.h, the files behind
// it call no inline function of another header.
#ifndef BALEEN_KERNELS_CPU_MLA_ATTENTION_BLOCK_H_
#define BALEEN_KERNELS_CPU_MLA_ATTENTION_BLOCK_H_

#include <cstdint>

namespace baleen::mla {

constexpr int kBlockKeys = 64;

// One query row's heads against one block of keys.
struct Block {
  const void* keys = nullptr;  // What Kernel::pack made, or F32 [count, width].
  int64_t count = 0;           // 1 .. 64: keys beyond the row's position are left out.
  int64_t width = 0;           // kv_lora + rope
  int64_t kv_lora = 0;
  const void* query = nullptr;  // What Kernel::pack_queries made, or F32 [heads, width].
  int64_t heads = 0;
  float scale = 0;
  bool first = false;  // Nothing in max, sum and acc yet.
  // The page that is packed next, or null: a kernel may ask for its memory while it computes.
  const void* next_page = nullptr;
  // The online softmax of each head over the blocks so far: the largest score, sum of exp(score - max) and the same sum over values.
  float* max = nullptr;  // [heads]
  float* sum = nullptr;  // [heads]
  float* acc = nullptr;  // [heads, kv_lora]
};

struct Kernel {
  // Bytes of a packed block, 64 keys.
  int64_t (*packed_bytes)(int64_t width, int64_t kv_lora) = nullptr;
  // Lays the first `count` keys [count, width] of a BF16 page out for `attend`, which may read the page too; out is 64-byte aligned.
  // `reused`: by several rows.
  void (*pack)(const uint16_t* page, int64_t count, int64_t width, int64_t kv_lora, bool reused, void* out) = nullptr;
  // Where set, a row that sees fewer keys than were packed needs a packing of its own unless this holds for them: what it must not see
  // would reach it, as 0 times infinity does.
  bool (*finite)(const uint16_t* page, int64_t count, int64_t width, int64_t kv_lora) = nullptr;
  // Where attend wants queries packed: their bytes, a multiple of 64, and the packing of [heads, width] into out, 64-byte aligned.
  int64_t (*query_bytes)(int64_t heads, int64_t width) = nullptr;
  void (*pack_queries)(const float* query, int64_t heads, int64_t width, void* out) = nullptr;
  void (*attend)(const Block&) = nullptr;
  // Fewer heads than this take as long, or nearly so.
  int64_t head_tile = 8;
};

// The order of operations on one head depends on nothing but (width, kv_lora, count).
Kernel Reference();
Kernel Avx2();
Kernel Avx512();
// For packed BF16 keys and kv_lora a multiple of 16 alone. Queries and softmax weights are rounded to BF16; sums are as tdpbf16ps forms
// them (kernels/cpu/linear/panel.h), weights' own sum in F32.
Kernel Amx();

}  // namespace baleen::mla

#endif  // BALEEN_KERNELS_CPU_MLA_ATTENTION_BLOCK_H_
