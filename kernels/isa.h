// Which instruction set the kernels use; part of the numerics id.
#ifndef BALEEN_KERNELS_ISA_H_
#define BALEEN_KERNELS_ISA_H_

#include <optional>
#include <string_view>

namespace baleen {

enum class Isa { kReference, kAvx2, kAvx512 };  // kAvx512 means F, BW, VL, DQ, VNNI and BF16.

std::string_view NameOf(Isa isa);  // "reference", "avx2", "avx512"
bool Supported(Isa isa);           // By this CPU and this build.
// The environment variable BALEEN_ISA, one of the names above, lowers it; any other value counts as unset.
Isa BestIsa();

}  // namespace baleen

#endif  // BALEEN_KERNELS_ISA_H_
