// config.json: what is accepted gives sizes within bounds and finite numbers.

#include <cmath>
#include <cstdint>

#include "model/config/model_config.h"
#include "tests/fuzz/fuzz_input.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using baleen::Require;
  const auto config = baleen::ModelConfig::Parse(baleen::FuzzInput(data, size).Rest(), "config.json");
  if (!config.ok()) {
    Require(config.status().message().find("config.json") == 0, "errors name the file");
    return 0;
  }
  Require(std::isfinite(config->SoftmaxScale()) && config->SoftmaxScale() > 0, "the softmax scale is a positive number");
  Require(std::isfinite(config->RopeMagnitude()), "the rope magnitude is a number");
  const auto frequencies = config->RopeFrequencies();
  Require(static_cast<int64_t>(frequencies.size()) == config->qk_rope_head_dim / 2, "a frequency a pair");
  for (const float frequency : frequencies) Require(std::isfinite(frequency), "frequencies are numbers");
  int64_t moe = 0;
  for (int64_t layer = 0; layer < config->num_hidden_layers; ++layer) moe += config->IsMoe(layer) ? 1 : 0;
  Require(config->n_routed_experts > 0 || moe == 0, "without experts no layer has them");
  return 0;
}
