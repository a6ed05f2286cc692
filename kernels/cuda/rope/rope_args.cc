#include "kernels/cuda/base/check_args.h"
#include "kernels/cuda/rope/rope.h"

namespace baleen::cuda {

std::string RopeProblem(const RopeArgs& args) {
  ArgumentCheck check("Rope");
  check.AtLeast("rows", args.rows, 0)
      .AtMost("rows", args.rows, int64_t{1} << 30)
      .AtLeast("heads", args.heads, 1)
      .AtLeast("width", args.width, 2)
      .AtMost("width", args.width, kMaxRopeWidth)
      .Multiple("width", args.width, 2)
      .Multiple("x_row_stride", args.x_row_stride, 2)
      .Multiple("x_head_stride", args.x_head_stride, 2)
      .Multiple("y_row_stride", args.y_row_stride, 2)
      .Multiple("y_head_stride", args.y_head_stride, 2);
  if (!check.problem().empty() || args.rows == 0) return check.problem();
  check.Aligned("x", args.x, 4).Aligned("y", args.y, 4).Aligned("positions", args.positions, 4).Aligned("frequencies", args.frequencies, 4);
  return check.problem();
}

}  // namespace baleen::cuda
