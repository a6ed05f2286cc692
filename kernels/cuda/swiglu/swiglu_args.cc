#include "kernels/cuda/base/check_args.h"
#include "kernels/cuda/swiglu/swiglu.h"

namespace baleen::cuda {

std::string SwiGluProblem(const SwiGluArgs& args) {
  ArgumentCheck check("SwiGlu");
  check.AtLeast("rows", args.rows, 0)
      .AtMost("rows", args.rows, int64_t{1} << 30)
      .AtLeast("inner", args.inner, 8)
      .AtMost("inner", args.inner, 1 << 20)
      .Multiple("inner", args.inner, 8)
      .That(args.out != nullptr || args.codes != nullptr, "neither out nor codes is wanted")
      .AtLeast("groups", args.groups, 1)
      .AtMost("groups", args.groups, kMaxRowGroups)
      .That(args.grouping != RowGroups::kBatched, "rows are not batched");
  if (!check.problem().empty() || args.rows == 0) return check.problem();
  check.Aligned("gate_up", args.gate_up, 16);
  if (args.grouping != RowGroups::kDense) check.Aligned("group_rows", args.group_rows, 4);
  if (args.grouping == RowGroups::kMasked) check.Multiple("rows", args.rows, args.groups);
  if (args.out != nullptr) check.Aligned("out", args.out, 16);
  if (args.codes != nullptr) {
    check.Aligned("codes", args.codes, 16)
        .Aligned("scales", args.scales, 4)
        .Multiple("inner", args.inner, 16)
        .AtLeast("scale_stride", args.scale_stride, args.rows);
  }
  return check.problem();
}

}  // namespace baleen::cuda
