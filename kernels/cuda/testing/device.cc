#include "kernels/cuda/testing/device.h"

#include <cmath>

#include "kernels/e4m3.h"

namespace baleen::cuda::testing {
namespace {

template <typename T, typename Convert>
std::vector<T> Random(size_t size, uint32_t seed, float scale, Convert convert) {
  std::mt19937 generator(seed);
  std::normal_distribution<float> normal;
  std::vector<T> values(size);
  for (T& value : values) value = convert(normal(generator) * scale);
  return values;
}

}  // namespace

std::vector<float> RandomF32(size_t size, uint32_t seed, float scale) {
  return Random<float>(size, seed, scale, [](float x) { return x; });
}

std::vector<Bf16> RandomBf16(size_t size, uint32_t seed, float scale) { return Random<Bf16>(size, seed, scale, F32ToBf16); }

std::vector<uint8_t> RandomE4m3(size_t size, uint32_t seed, float scale) { return Random<uint8_t>(size, seed, scale, F32ToF8E4m3); }

std::vector<float> RandomScales(size_t size, uint32_t seed, float low, float high) {
  std::mt19937 generator(seed);
  std::uniform_real_distribution<float> uniform(low, high);
  std::vector<float> values(size);
  for (float& value : values) value = uniform(generator);
  return values;
}

void ExpectClose(const std::vector<double>& out, const std::vector<double>& reference, double relative, const std::string& what) {
  Expect(out.size() == reference.size(), what + ": sizes differ");
  if (out.size() != reference.size() || out.empty()) return;
  double error = 0;
  double norm = 0;
  double worst = 0;
  size_t where = 0;
  for (size_t i = 0; i < out.size(); ++i) {
    const double off = std::fabs(out[i] - reference[i]);
    error += off * off;
    norm += reference[i] * reference[i];
    if (!(off <= worst)) {
      worst = off;
      where = i;
    }
  }
  const double root_mean_square = std::sqrt(norm / static_cast<double>(out.size()));
  const bool good = std::sqrt(error) <= relative * std::sqrt(norm) && worst <= 20 * relative * root_mean_square;
  Expect(good, what + ": relative error " + std::to_string(std::sqrt(error / norm)) + ", worst at " + std::to_string(where) + ": " +
                   std::to_string(out[where]) + " for " + std::to_string(reference[where]));
}

}  // namespace baleen::cuda::testing
