#include "kernels/cuda/base/check_args.h"
#include "kernels/cuda/sampling/mass.h"
#include "kernels/cuda/sampling/sampling.h"

namespace baleen::cuda {

std::string SamplingProblem(const SamplingArgs& args) {
  ArgumentCheck check("Sample");
  check.AtLeast("rows", args.rows, 0)
      .AtMost("rows", args.rows, int64_t{1} << 27)
      .AtLeast("vocabulary", args.vocabulary, 1)
      .AtMost("vocabulary", args.vocabulary, kMaxVocabulary)
      .AtLeast("ld", args.ld, args.vocabulary);
  if (!check.problem().empty() || args.rows == 0) return check.problem();
  check.Aligned("logits", args.logits, 4).Aligned("rows_sampling", args.rows_sampling, 8).Aligned("tokens", args.tokens, 4);
  if (args.allowed != nullptr) check.Aligned("allowed", args.allowed, 4);
  return check.problem();
}

}  // namespace baleen::cuda
