// From how many multiplications on threads of a pool share them.
#ifndef BALEEN_KERNELS_FORK_COST_H_
#define BALEEN_KERNELS_FORK_COST_H_

#include <cstdint>

namespace baleen {

// Below so many multiplications a fork costs more than it saves. On two cores of a 2.5 GHz Xeon they take 6 to 10 us by AVX-512 or AVX2
// where the operands are in the first-level cache; calling a thread that sleeps takes 2 us, and it is there after 5 to 8, if no neighbour
// has the core. Only speed depends on it.
inline constexpr int64_t kForkProducts = int64_t{1} << 18;

}  // namespace baleen

#endif  // BALEEN_KERNELS_FORK_COST_H_
