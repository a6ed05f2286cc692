#include <algorithm>

#include "kernels/cuda/base/launch.h"
#include "kernels/cuda/mla/general.cuh"
#include "kernels/cuda/mla/kernel.cuh"
#include "kernels/cuda/mla/merge.cuh"
#include "kernels/cuda/mla/mla.h"

namespace baleen::cuda {
namespace {

constexpr float kLog2E = 1.44269504f;

Status EncodeMaps(const MlaArgs& args, CUtensorMap* query, CUtensorMap* pages) {
  BoxedTensor tensor;
  tensor.type = CU_TENSOR_MAP_DATA_TYPE_BFLOAT16;
  tensor.dimensions = 3;
  tensor.data = args.query;
  tensor.sizes[0] = kMlaWidth;
  tensor.sizes[1] = static_cast<uint64_t>(args.heads);
  tensor.sizes[2] = static_cast<uint64_t>(args.rows);
  tensor.stride_bytes[0] = kMlaWidth * sizeof(Bf16);
  tensor.stride_bytes[1] = tensor.sizes[1] * kMlaWidth * sizeof(Bf16);
  tensor.box[0] = 64;
  tensor.box[1] = kHeadTile;
  if (Status status = EncodeTensorMap(tensor, "Mla, query", query); !status.ok()) return status;
  tensor.data = args.pages;
  tensor.sizes[1] = kKeyBlock;
  tensor.sizes[2] = static_cast<uint64_t>(args.page_count);
  tensor.stride_bytes[1] = kKeyBlock * kMlaWidth * sizeof(Bf16);
  tensor.box[1] = kKeyBlock;
  return EncodeTensorMap(tensor, "Mla, pages", pages);
}

Status LaunchTensorCores(const MlaArgs& args, Stream stream) {
  CUtensorMap query;
  CUtensorMap pages;
  if (Status status = EncodeMaps(args, &query, &pages); !status.ok()) return status;
  mla::Params params = {};
  params.rows = args.rows;
  params.heads = args.heads;
  params.head_tiles = (args.heads + kHeadTile - 1) / kHeadTile;
  params.most_splits = SplitsOf(args.largest_position);
  params.scale = args.scale * kLog2E;
  params.blocks = args.blocks;
  params.first_block = args.first_block;
  params.positions = args.positions;
  params.context = args.context;
  params.partial_sums = args.workspace;
  params.partial_stats = reinterpret_cast<float2*>(args.workspace + args.rows * params.most_splits * args.heads * kMlaLatent);
  if (Status status = AllowSharedMemory(reinterpret_cast<const void*>(&mla::Kernel), mla::kSharedBytes, "Mla"); !status.ok()) return status;
  const int64_t parts = std::clamp<int64_t>(MultiprocessorCount() / params.head_tiles, 1, args.rows * params.most_splits);
  mla::Kernel<<<static_cast<unsigned>(parts * params.head_tiles), mla::kThreads, mla::kSharedBytes, stream>>>(query, pages, params);
  if (Status status = LaunchStatus("Mla"); !status.ok() || params.most_splits == 1) return status;
  mla::MergeKernel<<<static_cast<unsigned>(args.rows * args.heads), mla::kMergeThreads, 0, stream>>>(params);
  return LaunchStatus("Mla, merging");
}

}  // namespace

Status Mla(const MlaArgs& args, Stream stream) {
  if (std::string problem = MlaProblem(args); !problem.empty()) return Status(std::move(problem));
  if (args.rows == 0) return Status();
  if (HasV3Shape(args)) return LaunchTensorCores(args, stream);
  mla::GeneralKernel<<<static_cast<unsigned>(args.rows * args.heads), mla::kGeneralThreads, 0, stream>>>(args);
  return LaunchStatus("Mla");
}

}  // namespace baleen::cuda
