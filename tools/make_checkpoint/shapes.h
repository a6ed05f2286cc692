// The shapes that benches run on.
#ifndef BALEEN_TOOLS_MAKE_CHECKPOINT_SHAPES_H_
#define BALEEN_TOOLS_MAKE_CHECKPOINT_SHAPES_H_

#include <cstdint>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "base/dtype.h"
#include "model/config/model_config.h"

namespace baleen {

// "small", "mid" or "v3-slice" (one dense and one MoE layer of V3); INVALID_ARGUMENT names another. `experts` > 0 replaces the number of
// routed experts, which must then still be divisible into the shape's groups.
absl::StatusOr<ModelConfig> ShapeNamed(const std::string& name, int64_t experts, bool fp8);

// Of V3's slice, as many experts as fit into `budget_bytes` of weights; at least 16, at most 256.
int64_t ExpertsThatFit(int64_t budget_bytes, bool fp8);

// config.json as Hugging Face writes it.
std::string ConfigJson(const ModelConfig& config);

}  // namespace baleen

#endif  // BALEEN_TOOLS_MAKE_CHECKPOINT_SHAPES_H_
