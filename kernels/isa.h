// Which instruction set the kernels use; part of the numerics id.
#ifndef BALEEN_KERNELS_ISA_H_
#define BALEEN_KERNELS_ISA_H_

#include <optional>
#include <string_view>

namespace baleen {

// Each contains those before it. kAvx512 means F, BW, VL and DQ; kernels use VNNI and BF16 where the CPU has them, which changes no bit.
// kAmx means both of these, and matrix registers with BF16 and INT8.
enum class Isa { kReference, kAvx2, kAvx512, kAmx };

std::string_view NameOf(Isa isa);  // "reference", "avx2", "avx512", "amx"
// By this CPU, this build and, for kAmx, the system, which grants matrix registers to the process when first asked.
bool Supported(Isa isa);
// The environment variable BALEEN_ISA, one of the names above, lowers it; any other value counts as unset.
Isa BestIsa();

}  // namespace baleen

#endif  // BALEEN_KERNELS_ISA_H_
