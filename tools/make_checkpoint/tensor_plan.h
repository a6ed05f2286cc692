// Which tensors a checkpoint holds (model spec section 2).
#ifndef BALEEN_TOOLS_MAKE_CHECKPOINT_TENSOR_PLAN_H_
#define BALEEN_TOOLS_MAKE_CHECKPOINT_TENSOR_PLAN_H_

#include <cstdint>
#include <string>
#include <vector>

#include "base/dtype.h"
#include "model/config/model_config.h"

namespace baleen {

enum class TensorRole { kMatrix, kNorm, kGateBias, kFp8Scale };

struct PlannedTensor {
  std::string name;
  DType dtype = DType::kBf16;
  std::vector<int64_t> shape;
  TensorRole role = TensorRole::kMatrix;

  int64_t Elements() const;
  int64_t Bytes() const { return Elements() * static_cast<int64_t>(SizeOf(dtype)); }
};

// All tensors of a noaux_tc model with q_lora, in file order; FP8 projections are followed by their scales when config.fp8.
std::vector<PlannedTensor> PlanTensors(const ModelConfig& config);

int64_t TotalBytes(const std::vector<PlannedTensor>& tensors);

}  // namespace baleen

#endif  // BALEEN_TOOLS_MAKE_CHECKPOINT_TENSOR_PLAN_H_
