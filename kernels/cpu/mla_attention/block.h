// The contract between MlaAttention and its kernels, one for each instruction set. As in kernels/cpu/linear/panel.h, the files behind
// it call no inline function of another header.
#ifndef BALEEN_KERNELS_CPU_MLA_ATTENTION_BLOCK_H_
#define BALEEN_KERNELS_CPU_MLA_ATTENTION_BLOCK_H_

#include <cstdint>

namespace baleen::mla {

// One query row's heads against one block of keys.
struct Block {
  const float* keys = nullptr;  // [count, width]
  int64_t count = 0;            // 1 .. 64: keys beyond the row's position are left out, never read.
  int64_t width = 0;            // kv_lora + rope
  int64_t kv_lora = 0;
  const float* query = nullptr;  // [heads, width]
  int64_t heads = 0;
  float scale = 0;
  bool first = false;  // Nothing in max, sum and acc yet.
  // The online softmax of each head over the blocks so far: the largest score, sum of exp(score - max) and the same sum over values.
  float* max = nullptr;  // [heads]
  float* sum = nullptr;  // [heads]
  float* acc = nullptr;  // [heads, kv_lora]
};

struct Kernel {
  void (*widen)(const uint16_t* bf16, int64_t count, float* out) = nullptr;
  void (*attend)(const Block&) = nullptr;
};

// The order of operations on one head depends on nothing but (width, kv_lora, count).
Kernel Reference();
Kernel Avx2();
Kernel Avx512();

}  // namespace baleen::mla

#endif  // BALEEN_KERNELS_CPU_MLA_ATTENTION_BLOCK_H_
