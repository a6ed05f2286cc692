#include "kernels/cuda/base/check_args.h"
#include "kernels/cuda/permute/permute.h"

namespace baleen::cuda {
namespace {

constexpr int64_t kMostCopies = (int64_t{1} << 31) - 1;

void CheckCopies(int64_t rows, int top_k, ArgumentCheck* check) {
  check->AtLeast("rows", rows, 0).AtLeast("top_k", top_k, 1).AtMost("top_k", top_k, 64).AtMost("rows * top_k", rows * top_k, kMostCopies);
}

}  // namespace

std::string PlanPermuteProblem(const PlanPermuteArgs& args) {
  ArgumentCheck check("PlanPermute");
  CheckCopies(args.rows, args.top_k, &check);
  check.AtLeast("experts", args.experts, 1)
      .AtLeast("groups", args.groups, 1)
      .AtMost("groups", args.groups, kMaxRowGroups)
      .That(args.grouping == RowGroups::kContiguous || args.grouping == RowGroups::kMasked, "copies lie contiguous or masked");
  if (args.grouping == RowGroups::kMasked) {
    check.AtLeast("capacity", args.capacity, args.rows).AtMost("groups * capacity", args.groups * args.capacity, kMostCopies);
  }
  check.Aligned("group_of_expert", args.group_of_expert, 4).Aligned("group_rows", args.group_rows, 4);
  if (args.rows > 0) check.Aligned("ids", args.ids, 4).Aligned("slots", args.slots, 4);
  return check.problem();
}

std::string PermuteProblem(const PermuteArgs& args) {
  ArgumentCheck check("Permute");
  CheckCopies(args.rows, args.top_k, &check);
  check.AtLeast("row_bytes", args.row_bytes, 16).Multiple("row_bytes", args.row_bytes, 16).AtLeast("scale_blocks", args.scale_blocks, 0);
  if (!check.problem().empty() || args.rows == 0) return check.problem();
  check.Aligned("x", args.x, 16).Aligned("y", args.y, 16).Aligned("slots", args.slots, 4);
  if (args.scale_blocks > 0) {
    check.Aligned("x_scales", args.x_scales, 4)
        .Aligned("y_scales", args.y_scales, 4)
        .AtLeast("x_scale_stride", args.x_scale_stride, args.rows)
        .AtLeast("y_scale_stride", args.y_scale_stride, 1);
  }
  return check.problem();
}

std::string CombineProblem(const CombineArgs& args) {
  ArgumentCheck check("Combine");
  CheckCopies(args.rows, args.top_k, &check);
  check.AtLeast("hidden", args.hidden, 4).Multiple("hidden", args.hidden, 4);
  if (!check.problem().empty() || args.rows == 0) return check.problem();
  check.Aligned("y", args.y, 8).Aligned("slots", args.slots, 4).Aligned("weights", args.weights, 4).Aligned("residual", args.residual, 16);
  if (args.shared != nullptr) check.Aligned("shared", args.shared, 8);
  return check.problem();
}

}  // namespace baleen::cuda
