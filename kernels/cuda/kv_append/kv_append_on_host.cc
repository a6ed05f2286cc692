#include <cmath>

#include "kernels/cuda/base/host_rows.h"
#include "kernels/cuda/base/host_stream.h"
#include "kernels/cuda/kv_append/kv_append.h"
#include "kernels/cuda/kv_append/page_walk.h"
#include "kernels/cuda/rope/rotate.h"

namespace baleen::cuda {
namespace {

void AppendRow(const KvAppendArgs& args, int64_t row) {
  const int64_t position = args.positions[row];
  const int64_t page_row = PageRow(args.blocks, args.first_block[row], position, args.page_count);
  if (page_row < 0) return;
  Bf16* const to = args.pages + page_row * (args.latent + args.rope);
  const auto in = [&](int64_t channel) { return ElementOf(args.kv, args.type, row * args.ldkv + channel); };
  double sum = 0;
  for (int c = 0; c < args.latent; ++c) sum += static_cast<double>(in(c)) * in(c);
  const float inverse = 1.0f / std::sqrt(static_cast<float>(sum) / static_cast<float>(args.latent) + args.eps);
  for (int c = 0; c < args.latent; ++c) to[c] = F32ToBf16(args.weight[c] * (in(c)*inverse));
  for (int pair = 0; pair < args.rope / 2; ++pair) {
    const int channel = args.latent + 2 * pair;
    const ChannelPair out = Rotate({in(channel), in(channel + 1)}, RotationAt(position, args.frequencies[pair], args.magnitude));
    to[channel] = F32ToBf16(out.even);
    to[channel + 1] = F32ToBf16(out.odd);
  }
}

}  // namespace

Status KvAppend(const KvAppendArgs& args, Stream stream) {
  if (std::string problem = KvAppendProblem(args); !problem.empty()) return Status(std::move(problem));
  EnqueueOnHost(stream, [args] {
    for (int64_t row = 0; row < args.rows; ++row) AppendRow(args, row);
  });
  return Status();
}

}  // namespace baleen::cuda
