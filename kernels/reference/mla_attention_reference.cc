#include <algorithm>

#include "base/dtype.h"
#include "kernels/cpu/mla_attention/block.h"
#include "kernels/math.h"

namespace baleen::mla {
namespace {

int64_t PackedBytes(int64_t width, int64_t kv_lora) { return kBlockKeys * width * static_cast<int64_t>(sizeof(float)); }

void Pack(const uint16_t* bf16, int64_t count, int64_t width, int64_t kv_lora, bool reused, void* out) {
  std::transform(bf16, bf16 + count * width, static_cast<float*>(out), Bf16ToF32);
}

void Attend(const Block& block) {
  for (int64_t head = 0; head < block.heads; ++head) {
    const float* query = static_cast<const float*>(block.query) + head * block.width;
    float* acc = block.acc + head * block.kv_lora;
    float weights[kBlockKeys];
    for (int64_t key = 0; key < block.count; ++key) {
      const float* channels = static_cast<const float*>(block.keys) + key * block.width;
      float dot = 0;
      for (int64_t c = 0; c < block.width; ++c) dot += query[c] * channels[c];
      weights[key] = block.scale * dot;
    }
    float top = *std::max_element(weights, weights + block.count);
    if (!block.first) top = std::max(top, block.max[head]);
    const float decay = block.first ? 0.0f : Exp(block.max[head] - top);
    float sum = block.first ? 0.0f : block.sum[head] * decay;
    for (int64_t key = 0; key < block.count; ++key) sum += weights[key] = Exp(weights[key] - top);
    for (int64_t c = 0; c < block.kv_lora; ++c) acc[c] = block.first ? 0.0f : acc[c] * decay;
    for (int64_t key = 0; key < block.count; ++key) {
      const float* value = static_cast<const float*>(block.keys) + key * block.width;
      for (int64_t c = 0; c < block.kv_lora; ++c) acc[c] += weights[key] * value[c];
    }
    block.max[head] = top;
    block.sum[head] = sum;
  }
}

}  // namespace

Kernel Reference() { return {.packed_bytes = PackedBytes, .pack = Pack, .attend = Attend}; }

}  // namespace baleen::mla
