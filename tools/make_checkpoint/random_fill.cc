#include "tools/make_checkpoint/random_fill.h"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <string>

namespace baleen {
namespace {

constexpr double kDeviation = 0.02;
// FP8 codes of deviation 96 leave 4.6 deviations below the largest code, 448.
constexpr double kCodeDeviation = 96;
constexpr size_t kQuantiles = size_t{1} << 16;

uint64_t Mix(uint64_t x) {  // SplitMix64's finaliser.
  x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9u;
  x = (x ^ (x >> 27)) * 0x94d049bb133111ebu;
  return x ^ (x >> 31);
}

uint64_t HashOf(const std::string& name) {  // FNV-1a.
  uint64_t hash = 0xcbf29ce484222325u;
  for (const char c : name) hash = (hash ^ static_cast<uint8_t>(c)) * 0x100000001b3u;
  return hash;
}

// Standard normal quantiles at (i + 1/2) / n, each found by Newton's method from its neighbour.
std::vector<double> NormalQuantiles(size_t n) {
  std::vector<double> quantiles(n);
  double x = -4.3;
  for (size_t i = 0; i < n / 2; ++i) {
    const double target = (static_cast<double>(i) + 0.5) / static_cast<double>(n);
    for (int step = 0; step < 8; ++step) {
      const double below = 0.5 * std::erfc(-x / std::sqrt(2.0));
      x -= (below - target) / (std::exp(-0.5 * x * x) / std::sqrt(2 * M_PI));
    }
    quantiles[i] = x;
    quantiles[n - 1 - i] = -x;
  }
  return quantiles;
}

// The finite code nearest to `value`.
uint8_t NearestFp8(double value) {
  uint8_t best = 0;
  for (int code = 1; code < 0x7f; ++code) {
    if (std::fabs(F8E4m3ToF32(static_cast<uint8_t>(code)) - std::fabs(value)) < std::fabs(F8E4m3ToF32(best) - std::fabs(value))) {
      best = static_cast<uint8_t>(code);
    }
  }
  return value < 0 ? best | 0x80 : best;
}

template <typename T>
void FillFrom(const std::vector<T>& quantiles, uint64_t key, int64_t first, int64_t count, std::byte* out) {
  for (int64_t i = 0; i < count; i += 4) {
    uint64_t bits = Mix(key + static_cast<uint64_t>((first + i) / 4) * 0x9e3779b97f4a7c15u);
    T values[4];
    for (T& value : values) {
      value = quantiles[bits & 0xffffu];
      bits >>= 16;
    }
    std::memcpy(out + i * static_cast<int64_t>(sizeof(T)), values, static_cast<size_t>(std::min<int64_t>(4, count - i)) * sizeof(T));
  }
}

template <typename T>
void FillWith(T value, int64_t count, std::byte* out) {
  for (int64_t i = 0; i < count; ++i) std::memcpy(out + i * static_cast<int64_t>(sizeof(T)), &value, sizeof(T));
}

}  // namespace

RandomFill::RandomFill(uint64_t seed) : seed_(seed) {
  for (const double quantile : NormalQuantiles(kQuantiles)) {
    normal_.push_back(static_cast<float>(kDeviation * quantile));
    bf16_.push_back(F32ToBf16(normal_.back()));
    fp8_.push_back(NearestFp8(kCodeDeviation * quantile));
  }
}

void RandomFill::Fill(const PlannedTensor& tensor, int64_t first, int64_t count, std::byte* out) const {
  const uint64_t key = Mix(seed_ ^ Mix(HashOf(tensor.name)));
  if (tensor.role == TensorRole::kNorm) return FillWith<Bf16>(F32ToBf16(1.0f), count, out);
  if (tensor.role == TensorRole::kFp8Scale) return FillWith(static_cast<float>(kDeviation / kCodeDeviation), count, out);
  if (tensor.dtype == DType::kF32) return FillFrom(normal_, key, first, count, out);
  if (tensor.dtype == DType::kBf16) return FillFrom(bf16_, key, first, count, out);
  FillFrom(fp8_, key, first, count, out);
}

}  // namespace baleen
