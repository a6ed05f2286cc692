#include <vector>

#include "kernels/cuda/base/host_stream.h"
#include "kernels/cuda/rope/rope.h"
#include "kernels/cuda/rope/rotate.h"

namespace baleen::cuda {
namespace {

void RotateRow(const RopeArgs& args, int64_t row) {
  for (int pair = 0; pair < args.width / 2; ++pair) {
    const Rotation by = RotationAt(args.positions[row], args.frequencies[pair], args.magnitude);
    for (int64_t head = 0; head < args.heads; ++head) {
      const Bf16* const from = args.x + row * args.x_row_stride + head * args.x_head_stride + 2 * pair;
      Bf16* const to = args.y + row * args.y_row_stride + head * args.y_head_stride + 2 * pair;
      const ChannelPair out = Rotate({Bf16ToF32(from[0]), Bf16ToF32(from[1])}, by);
      to[0] = F32ToBf16(out.even);
      to[1] = F32ToBf16(out.odd);
    }
  }
}

}  // namespace

Status Rope(const RopeArgs& args, Stream stream) {
  if (std::string problem = RopeProblem(args); !problem.empty()) return Status(std::move(problem));
  EnqueueOnHost(stream, [args] {
    for (int64_t row = 0; row < args.rows; ++row) RotateRow(args, row);
  });
  return Status();
}

}  // namespace baleen::cuda
