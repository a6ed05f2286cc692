#include "kernels/cuda/base/check_args.h"
#include "kernels/cuda/mla/mla.h"
#include "kernels/cuda/mla/splits.h"

namespace baleen::cuda {

int64_t MlaWorkspaceFloats(int64_t rows, int heads, int64_t largest_position) {
  const int64_t splits = SplitsOf(largest_position);
  return splits == 1 ? 0 : rows * heads * splits * (kMlaLatent + 2);
}

bool HasV3Shape(const MlaArgs& args) { return args.latent == kMlaLatent && args.rope == kMlaRope; }

std::string MlaProblem(const MlaArgs& args) {
  ArgumentCheck check("Mla");
  check.AtLeast("rows", args.rows, 0)
      .AtMost("rows", args.rows, 1 << 20)
      .AtLeast("heads", args.heads, 1)
      .AtMost("heads", args.heads, 1024)
      .AtLeast("latent", args.latent, 1)
      .AtMost("latent", args.latent, kMostMlaLatent)
      .AtLeast("rope", args.rope, 1)
      .AtMost("rope", args.rope, kMostMlaRope)
      .Multiple("latent + rope", args.latent + args.rope, 8)
      .That(args.scale > 0, "scale is not above 0")
      .AtLeast("largest_position", args.largest_position, 0)
      .AtMost("largest_position", args.largest_position, 1 << 24);
  if (!check.problem().empty() || args.rows == 0) return check.problem();
  check.AtLeast("page_count", args.page_count, 1)
      .AtMost("page_count", args.page_count, (int64_t{1} << 31) - 1)
      .Aligned("query", args.query, 16)
      .Aligned("pages", args.pages, 16)
      .Aligned("blocks", args.blocks, 4)
      .Aligned("first_block", args.first_block, 4)
      .Aligned("positions", args.positions, 4)
      .Aligned("context", args.context, 16);
  if (HasV3Shape(args) && MlaWorkspaceFloats(args.rows, args.heads, args.largest_position) > 0)
    check.Aligned("workspace", args.workspace, 16);
  return check.problem();
}

}  // namespace baleen::cuda
