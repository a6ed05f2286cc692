#include "kernels/cpu/linear/fp8_run.h"

namespace baleen::linear {
namespace {

// AVX2 has no 16-bit lookup in 128 entries; loads from the table, which stays in the first-level cache, are as quick as its detours.
void Decode(const char* codes, const uint16_t* table, int64_t steps, char* out) {
  const uint8_t* in = reinterpret_cast<const uint8_t*>(codes);
  uint16_t* values = reinterpret_cast<uint16_t*>(out);
  for (int64_t i = 0; i < steps * kFp8StepBytes; ++i) {
    values[i] = static_cast<uint16_t>(table[in[i] & 0x7f] ^ ((in[i] & 0x80) << 8));
  }
}

}  // namespace

PanelKernel Avx2Fp8() {
  PanelKernel kernel = Avx2Bf16();
  kernel.panels_at_once = 6;
  kernel.run = RunFp8<Decode, Avx2Bf16>;
  return kernel;
}

}  // namespace baleen::linear
