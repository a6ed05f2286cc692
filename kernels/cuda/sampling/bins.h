// How the search for a token narrows: into bins that follow one another in order, likelier tokens first, and within a bin by digits of the
// tokens' ranks.
#ifndef BALEEN_KERNELS_CUDA_SAMPLING_BINS_H_
#define BALEEN_KERNELS_CUDA_SAMPLING_BINS_H_

#include <cmath>
#include <cstdint>

#include "kernels/cuda/sampling/mass.h"
#include "kernels/host_device.h"

namespace baleen::cuda {

inline constexpr int kBins = 2048;

// Bins of equal width below the greatest logit, over the range that is worth any mass; whatever lies lower shares the last one. Logits
// cluster, and bins by their bits would too.
struct LogitBins {
  float top;
  float per_logit;
};
BALEEN_HOST_DEVICE inline LogitBins BinsBelow(float top, float temperature) {
  const float per_logit = kBins / (-kLeastExponent * temperature);
  return {top, per_logit < 1e30f ? per_logit : 1e30f};  // Finite.
}

// Of a clean logit <= top, in bins from the top: never falls as the logit does, since each step rounds and none turns the order round.
BALEEN_HOST_DEVICE inline float PlaceOf(const LogitBins& bins, float logit) {
  return fminf((bins.top - logit) * bins.per_logit, kBins - 1);  // The last one where that is a NaN.
}
BALEEN_HOST_DEVICE inline int BinOf(const LogitBins& bins, float logit) { return static_cast<int>(PlaceOf(bins, logit)); }
// BinOf(bins, logit) == bin, for less.
BALEEN_HOST_DEVICE inline bool IsInBin(const LogitBins& bins, float bin, float logit) {
  const float place = PlaceOf(bins, logit);
  return place >= bin && place < bin + 1;
}

// Tokens whose rank begins with the same bits; the whole of a bin to start with.
inline constexpr int kDigitBits = 10;
inline constexpr int kDigits = 1 << kDigitBits;
static_assert(kRankBits % kDigitBits == 0);

struct RankRange {
  uint64_t prefix = 0;
  int shift = kRankBits;  // Bits of the rank below the prefix.
};
BALEEN_HOST_DEVICE constexpr bool Contains(const RankRange& range, uint64_t rank) { return rank >> range.shift == range.prefix; }
// Of a rank in the range; greater ranks have smaller digits. The range needs a bit below its prefix.
BALEEN_HOST_DEVICE constexpr int DigitOf(const RankRange& range, uint64_t rank) {
  return kDigits - 1 - static_cast<int>(rank >> (range.shift - kDigitBits) & (kDigits - 1));
}
BALEEN_HOST_DEVICE constexpr RankRange Narrowed(const RankRange& range, int digit) {
  return {range.prefix << kDigitBits | static_cast<uint64_t>(kDigits - 1 - digit), range.shift - kDigitBits};
}

}  // namespace baleen::cuda

#endif  // BALEEN_KERNELS_CUDA_SAMPLING_BINS_H_
