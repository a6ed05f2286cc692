// The GPU's way to a token (kernels/cuda/sampling, by one thread on the host) against the sampler.
#include <cmath>
#include <random>
#include <vector>

#include "gtest/gtest.h"
#include "kernels/cuda/sampling/sampling.h"
#include "model/sampling/philox.h"
#include "model/sampling/sampler.h"

namespace baleen {
namespace {

std::vector<float> RandomLogits(size_t size, float spread, std::mt19937& generator) {
  std::normal_distribution<float> normal;
  std::vector<float> logits(size);
  for (float& logit : logits) logit = normal(generator) * spread;
  for (size_t i = 0; i < size; i += 5) logits[i] = std::round(logits[i]);  // Ties.
  for (size_t i = 7; i < size; i += 50) logits[i] = i % 2 == 0 ? NAN : -INFINITY;
  return logits;
}

TEST(CudaSamplerTest, ChoosesTheSamplersTokens) {
  std::mt19937 generator(1);
  int64_t position = 0;
  for (const size_t size : {3, 288, 5000}) {
    for (const float spread : {0.5f, 3.0f, 20.0f}) {
      const std::vector<float> logits = RandomLogits(size, spread, generator);
      for (const float temperature : {0.0f, 0.6f, 1.0f, 2.0f}) {
        for (const float top_p : {0.05f, 0.9f, 0.95f, 1.0f}) {
          for (const int top_k : {0, 1, 40}) {
            for (const float min_p : {0.0f, 0.1f}) {
              SamplerParams params;
              params.temperature = temperature;
              params.top_p = top_p;
              params.top_k = top_k;
              params.min_p = min_p;
              params.seed = 99;
              ++position;
              const cuda::RowSampling how = {temperature, top_p, min_p, top_k, PhiloxUniform(99, 0, static_cast<uint64_t>(position))};
              EXPECT_EQ(cuda::SampleOnHost(how, logits.data(), static_cast<int64_t>(size), nullptr),
                        Sample(params, logits, static_cast<int64_t>(size), {}, position).token)
                  << size << " logits, spread " << spread << ", temperature " << temperature << ", top-p " << top_p << ", top-k " << top_k
                  << ", min-p " << min_p;
            }
          }
        }
      }
    }
  }
}

}  // namespace
}  // namespace baleen
