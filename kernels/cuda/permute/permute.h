// Rows to their experts and back. Copies are laid out by group (an expert, in the order of its shard) and within a group by (row, k), so
// that every sum over them has one order.
#ifndef BALEEN_KERNELS_CUDA_PERMUTE_PERMUTE_H_
#define BALEEN_KERNELS_CUDA_PERMUTE_PERMUTE_H_

#include <cstdint>
#include <string>

#include "base/dtype.h"
#include "kernels/cuda/base/row_groups.h"
#include "kernels/cuda/base/status.h"

namespace baleen::cuda {

// All pointers are to device memory.
struct PlanPermuteArgs {
  int64_t rows = 0;
  int top_k = 0;
  int experts = 0;
  int groups = 0;
  RowGroups grouping = RowGroups::kContiguous;  // Or kMasked: group g then has slots g * capacity ..
  int64_t capacity = 0;                         // kMasked: slots of a group; >= rows.
  const int32_t* ids = nullptr;                 // [rows, top_k]; a row's ids are distinct
  const int32_t* group_of_expert = nullptr;     // [experts]: the group, or -1 for an expert that is elsewhere
  int32_t* group_rows = nullptr;                // kContiguous [groups + 1] offsets; kMasked [groups] counts; [groups + 1] either way
  int32_t* slots = nullptr;                     // [rows, top_k]: where copy (row, k) lies, or -1
};
std::string PlanPermuteProblem(const PlanPermuteArgs& args);
// Ids outside [0, experts) count as elsewhere.
Status PlanPermute(const PlanPermuteArgs& args, Stream stream);

struct PermuteArgs {
  int64_t rows = 0;
  int top_k = 0;
  int64_t row_bytes = 0;           // A multiple of 16.
  const void* x = nullptr;         // [rows, row_bytes], 16-byte aligned
  void* y = nullptr;               // [slots, row_bytes], 16-byte aligned
  const int32_t* slots = nullptr;  // As PlanPermute wrote them.
  // Scales of FP8 rows, or null: [scale_blocks, x_scale_stride] to [scale_blocks, y_scale_stride].
  const float* x_scales = nullptr;
  float* y_scales = nullptr;
  int64_t scale_blocks = 0;
  int64_t x_scale_stride = 0;
  int64_t y_scale_stride = 0;
};
std::string PermuteProblem(const PermuteArgs& args);
Status Permute(const PermuteArgs& args, Stream stream);

struct CombineArgs {
  int64_t rows = 0;
  int top_k = 0;
  int64_t hidden = 0;              // A multiple of 4.
  const Bf16* y = nullptr;         // [slots, hidden], 8-byte aligned
  const int32_t* slots = nullptr;  // [rows, top_k]; copies at -1 are left out
  const float* weights = nullptr;  // [rows, top_k]
  const Bf16* shared = nullptr;    // [rows, hidden] or null
  float* residual = nullptr;       // [rows, hidden], 16-byte aligned
};
std::string CombineProblem(const CombineArgs& args);
// residual += sum over k, ascending, of weight * y, plus shared: model/layers/combine.h's bits, since ids ascend with k.
Status Combine(const CombineArgs& args, Stream stream);

}  // namespace baleen::cuda

#endif  // BALEEN_KERNELS_CUDA_PERMUTE_PERMUTE_H_
