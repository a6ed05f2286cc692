#include "kernels/cuda/base/check_args.h"
#include "kernels/cuda/norm/rms_norm.h"

namespace baleen::cuda {

std::string RmsNormProblem(const RmsNormArgs& args) {
  ArgumentCheck check("RmsNorm");
  check.That(args.type == DType::kF32 || args.type == DType::kBf16, "x is neither F32 nor BF16")
      .AtLeast("rows", args.rows, 0)
      .AtMost("rows", args.rows, int64_t{1} << 30)
      .AtLeast("width", args.width, 4)
      .AtMost("width", args.width, kMaxNormWidth)
      .Multiple("width", args.width, 4)
      .AtLeast("ldx", args.ldx, args.width)
      .Multiple("ldx in bytes", args.ldx * static_cast<int64_t>(SizeOf(args.type)), 16)
      .That(args.add == nullptr || args.type == DType::kF32, "only F32 is added to")
      .That(args.normed != nullptr || args.codes != nullptr, "neither normed nor codes is wanted");
  if (!check.problem().empty() || args.rows == 0) return check.problem();
  check.Aligned("x", args.x, 16).Aligned("weight", args.weight, 16);
  if (args.add != nullptr) check.Aligned("add", args.add, 16);
  if (args.normed != nullptr) check.Aligned("normed", args.normed, 16);
  if (args.codes != nullptr) {
    check.Aligned("codes", args.codes, 16)
        .Aligned("scales", args.scales, 4)
        .Multiple("width", args.width, 16)
        .AtLeast("scale_stride", args.scale_stride, args.rows);
  }
  return check.problem();
}

}  // namespace baleen::cuda
