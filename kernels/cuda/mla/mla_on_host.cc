#include <algorithm>
#include <cmath>
#include <vector>

#include "kernels/cuda/base/host_stream.h"
#include "kernels/cuda/mla/mla.h"
#include "kernels/cuda/mla/splits.h"

namespace baleen::cuda {
namespace {

// One row and head: the online softmax over blocks of 64 keys, ascending. V3's shape rounds weights to BF16, as its kernel does.
void AttendHead(const MlaArgs& args, int64_t row, int head) {
  const int64_t width = args.latent + args.rope;
  const Bf16* const query = args.query + (row * args.heads + head) * width;
  const int64_t position = args.positions[row];
  std::vector<float> q(static_cast<size_t>(width));
  std::transform(query, query + width, q.begin(), Bf16ToF32);
  std::vector<float> sums(static_cast<size_t>(args.latent), 0);
  float maximum = -INFINITY;
  float weight_sum = 0;
  for (int64_t block = 0; block <= position / kKeyBlock; ++block) {
    const int64_t page = args.blocks[args.first_block[row] + block];
    if (page < 0 || page >= args.page_count) continue;
    const Bf16* const keys = args.pages + page * kKeyBlock * width;
    const int visible = VisibleKeys(position, block);
    float scores[kKeyBlock];
    float top = maximum;
    for (int key = 0; key < visible; ++key) {
      float dot = 0;
      for (int64_t c = 0; c < width; ++c) dot += q[static_cast<size_t>(c)] * Bf16ToF32(keys[key * width + c]);
      scores[key] = dot * args.scale * 1.44269504f;
      top = std::fmax(top, scores[key]);
    }
    const float rescale = std::exp2(maximum - top);
    maximum = top;
    weight_sum *= rescale;
    for (float& sum : sums) sum *= rescale;
    for (int key = 0; key < visible; ++key) {
      float weight = std::exp2(scores[key] - top);
      if (HasV3Shape(args)) weight = Bf16ToF32(F32ToBf16(weight));
      weight_sum += weight;
      for (int64_t c = 0; c < args.latent; ++c) sums[static_cast<size_t>(c)] += weight * Bf16ToF32(keys[key * width + c]);
    }
  }
  Bf16* const to = args.context + (row * args.heads + head) * args.latent;
  std::transform(sums.begin(), sums.end(), to, [&](float sum) { return F32ToBf16(sum / weight_sum); });
}

}  // namespace

Status Mla(const MlaArgs& args, Stream stream) {
  if (std::string problem = MlaProblem(args); !problem.empty()) return Status(std::move(problem));
  EnqueueOnHost(stream, [args] {
    for (int64_t row = 0; row < args.rows; ++row) {
      for (int head = 0; head < args.heads; ++head) AttendHead(args, row, head);
    }
  });
  return Status();
}

}  // namespace baleen::cuda
