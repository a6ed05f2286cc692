#include <cstring>
#include <vector>

#include "kernels/cuda/base/host_stream.h"
#include "kernels/cuda/permute/permute.h"

namespace baleen::cuda {
namespace {

void Plan(const PlanPermuteArgs& args) {
  const int64_t copies = args.rows * args.top_k;
  const auto group_of = [&](int64_t copy) {
    const int32_t id = args.ids[copy];
    return id >= 0 && id < args.experts ? args.group_of_expert[id] : -1;
  };
  std::vector<int32_t> counts(static_cast<size_t>(args.groups), 0);
  for (int64_t copy = 0; copy < copies; ++copy) {
    const int group = group_of(copy);
    args.slots[copy] = group < 0 ? -1 : counts[static_cast<size_t>(group)]++;
  }
  const bool masked = args.grouping == RowGroups::kMasked;
  int32_t before = 0;
  for (int group = 0; group < args.groups; ++group) {
    args.group_rows[group] = masked ? counts[static_cast<size_t>(group)] : before;
    before += counts[static_cast<size_t>(group)];
  }
  if (!masked) args.group_rows[args.groups] = before;
  for (int64_t copy = 0; copy < copies; ++copy) {
    const int group = group_of(copy);
    if (group >= 0) args.slots[copy] += static_cast<int32_t>(masked ? group * args.capacity : args.group_rows[group]);
  }
}

void CopyRow(const PermuteArgs& args, int64_t row) {
  for (int k = 0; k < args.top_k; ++k) {
    const int64_t slot = args.slots[row * args.top_k + k];
    if (slot < 0) continue;
    std::memcpy(static_cast<char*>(args.y) + slot * args.row_bytes, static_cast<const char*>(args.x) + row * args.row_bytes,
                static_cast<size_t>(args.row_bytes));
    for (int64_t block = 0; block < args.scale_blocks; ++block) {
      args.y_scales[block * args.y_scale_stride + slot] = args.x_scales[block * args.x_scale_stride + row];
    }
  }
}

void CombineRow(const CombineArgs& args, int64_t row) {
  for (int64_t c = 0; c < args.hidden; ++c) {
    float sum = 0;
    for (int k = 0; k < args.top_k; ++k) {
      const int64_t slot = args.slots[row * args.top_k + k];
      if (slot >= 0) sum += args.weights[row * args.top_k + k] * Bf16ToF32(args.y[slot * args.hidden + c]);
    }
    if (args.shared != nullptr) sum += Bf16ToF32(args.shared[row * args.hidden + c]);
    args.residual[row * args.hidden + c] += sum;
  }
}

}  // namespace

Status PlanPermute(const PlanPermuteArgs& args, Stream stream) {
  if (std::string problem = PlanPermuteProblem(args); !problem.empty()) return Status(std::move(problem));
  EnqueueOnHost(stream, [args] { Plan(args); });
  return Status();
}

Status Permute(const PermuteArgs& args, Stream stream) {
  if (std::string problem = PermuteProblem(args); !problem.empty()) return Status(std::move(problem));
  EnqueueOnHost(stream, [args] {
    for (int64_t row = 0; row < args.rows; ++row) CopyRow(args, row);
  });
  return Status();
}

Status Combine(const CombineArgs& args, Stream stream) {
  if (std::string problem = CombineProblem(args); !problem.empty()) return Status(std::move(problem));
  EnqueueOnHost(stream, [args] {
    for (int64_t row = 0; row < args.rows; ++row) CombineRow(args, row);
  });
  return Status();
}

}  // namespace baleen::cuda
