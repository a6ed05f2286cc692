#include <cmath>

#include "kernels/cuda/sampling/mass.h"
#include "kernels/cuda/sampling/sampling.h"
#include "kernels/cuda/testing/device.h"

namespace baleen::cuda {
namespace {

using testing::DeviceArray;
using testing::Expect;
using testing::ExpectOk;

std::vector<RowSampling> Ways() {
  std::vector<RowSampling> ways;
  for (const float temperature : {0.0f, 0.6f, 1.5f}) {
    for (const float top_p : {0.1f, 0.95f, 1.0f}) {
      for (const int top_k : {0, 1, 50}) {
        for (const float min_p : {0.0f, 0.05f}) {
          ways.push_back({temperature, top_p, min_p, top_k, 0.001 + 0.998 * static_cast<double>(ways.size() * 37 % 101) / 101});
        }
      }
    }
  }
  return ways;
}

// Every row is what one thread on the host chooses; of the ways, one in `one_in`.
void Check(int64_t vocabulary, int64_t ld, float spread, bool masked, size_t one_in = 1) {
  std::vector<RowSampling> ways;
  for (size_t i = 0; i < Ways().size(); i += one_in) ways.push_back(Ways()[i]);
  const int64_t rows = static_cast<int64_t>(ways.size());
  const size_t words = static_cast<size_t>((vocabulary + 31) / 32);
  std::vector<float> logits = testing::RandomF32(static_cast<size_t>(rows * ld), 1, spread);
  for (size_t i = 0; i < logits.size(); i += 7) logits[i] = std::round(logits[i]);  // Ties.
  for (size_t i = 3; i < logits.size(); i += 101) logits[i] = i % 2 == 0 ? NAN : -INFINITY;
  std::vector<uint32_t> allowed(static_cast<size_t>(rows) * words);
  std::mt19937 generator(2);
  for (uint32_t& word : allowed) word = static_cast<uint32_t>(generator());
  for (size_t i = 0; i < words; ++i) allowed[i] = 0;  // Nothing is allowed in the first row.
  const DeviceArray<float> device_logits(logits);
  const DeviceArray<RowSampling> device_ways(ways);
  const DeviceArray<uint32_t> device_allowed(allowed);
  DeviceArray<int32_t> tokens(static_cast<size_t>(rows));
  ExpectOk(Sample({rows, vocabulary, device_logits.data(), ld, device_ways.data(), masked ? device_allowed.data() : nullptr, tokens.data()},
                  nullptr));
  const std::vector<int32_t> out = tokens.Download();
  for (size_t row = 0; row < ways.size(); ++row) {
    const int32_t expected =
        SampleOnHost(ways[row], logits.data() + row * static_cast<size_t>(ld), vocabulary, masked ? allowed.data() + row * words : nullptr);
    Expect(out[row] == expected, "row " + std::to_string(row) + ": " + std::to_string(out[row]) + " for " + std::to_string(expected));
  }
}

BALEEN_GPU_TEST(SamplingMatchesTheHost) {
  for (const bool masked : {false, true}) {
    Check(1, 1, 2, masked);
    Check(33, 41, 2, masked);  // Rows begin anywhere within 16 bytes.
    Check(5000, 5000, 4, masked);
  }
}

// Nearly all tokens share a bin: equal logits, or logits that differ in their last bits.
BALEEN_GPU_TEST(SamplingMatchesTheHostAmongTies) {
  Check(20000, 20002, 0, false, 5);
  Check(20000, 20003, 1e-6f, true, 5);
}

BALEEN_GPU_TEST(SamplingOfLargeVocabularies) {
  Check(128815, 129280, 3, false);
  Check(128815, 129281, 3, true, 5);
  Check(kMaxVocabulary, kMaxVocabulary + 3, 1e-3f, false, 5);
}

}  // namespace
}  // namespace baleen::cuda
