#include "kernels/cuda/base/check_args.h"
#include "kernels/cuda/embed/embed.h"

namespace baleen::cuda {

std::string EmbedProblem(const EmbedArgs& args) {
  ArgumentCheck check("Embed");
  check.AtLeast("rows", args.rows, 0)
      .AtMost("rows", args.rows, int64_t{1} << 30)
      .AtLeast("hidden", args.hidden, 4)
      .Multiple("hidden", args.hidden, 4)
      .AtLeast("vocabulary", args.vocabulary, 1);
  if (!check.problem().empty() || args.rows == 0) return check.problem();
  check.Aligned("tokens", args.tokens, 4).Aligned("table", args.table, 8).Aligned("residual", args.residual, 16);
  return check.problem();
}

}  // namespace baleen::cuda
