#include "kernels/cuda/base/check_args.h"
#include "kernels/cuda/quantize/quantize.h"

namespace baleen::cuda {

std::string QuantizeProblem(const QuantizeArgs& args) {
  ArgumentCheck check("Quantize");
  check.AtLeast("rows", args.rows, 0)
      .AtMost("rows", args.rows, int64_t{1} << 30)
      .AtLeast("width", args.width, 16)
      .AtMost("width", args.width, 1 << 20)
      .Multiple("width", args.width, 16)
      .AtLeast("ldx", args.ldx, args.width)
      .Multiple("ldx", args.ldx, 8)
      .AtLeast("scale_stride", args.scale_stride, args.rows);
  if (!check.problem().empty() || args.rows == 0) return check.problem();
  check.Aligned("x", args.x, 16).Aligned("codes", args.codes, 16).Aligned("scales", args.scales, 16);
  return check.problem();
}

}  // namespace baleen::cuda
