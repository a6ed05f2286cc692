#include "kernels/cuda/base/check_args.h"
#include "kernels/cuda/gate/gate.h"

namespace baleen::cuda {

std::string GateProblem(const GateArgs& args) {
  const GateParams& params = args.params;
  ArgumentCheck check("Gate");
  check.AtLeast("rows", args.rows, 0)
      .AtMost("rows", args.rows, int64_t{1} << 30)
      .AtLeast("experts", params.experts, 1)
      .AtMost("experts", params.experts, kMaxGateExperts)
      .AtLeast("top_k", params.top_k, 1)
      .AtMost("top_k", params.top_k, params.experts < kMaxTopK ? params.experts : kMaxTopK)
      .AtLeast("groups", params.groups, 1)
      .AtMost("groups", params.groups, 32)
      .Multiple("experts", params.experts, params.groups < 1 ? 1 : params.groups)
      .AtLeast("top_groups", params.top_groups, 1)
      .AtMost("top_groups", params.top_groups, params.groups);
  if (!check.problem().empty() || args.rows == 0) return check.problem();
  check.Aligned("logits", args.logits, 4).Aligned("ids", args.ids, 4).Aligned("weights", args.weights, 4);
  if (args.bias != nullptr) check.Aligned("bias", args.bias, 4);
  return check.problem();
}

}  // namespace baleen::cuda
