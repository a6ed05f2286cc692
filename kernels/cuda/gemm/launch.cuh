// Launches one instance of the GEMM kernel.
#ifndef BALEEN_KERNELS_CUDA_GEMM_LAUNCH_CUH_
#define BALEEN_KERNELS_CUDA_GEMM_LAUNCH_CUH_

#include <algorithm>

#include "kernels/cuda/base/launch.h"
#include "kernels/cuda/gemm/kernel.cuh"

namespace baleen::cuda::gemm {

struct Maps {
  CUtensorMap x;
  CUtensorMap w;
  CUtensorMap y;  // Where the copy engine stores.
};

inline Status EncodeOutputMap(const GemmArgs& args, CUtensorMap* map) {
  BoxedTensor tensor;
  tensor.type = CU_TENSOR_MAP_DATA_TYPE_BFLOAT16;
  tensor.data = args.y;
  const int64_t shift = args.grouping == RowGroups::kBatched ? (args.groups - 1) * args.group_y_stride : 0;
  tensor.sizes[0] = static_cast<uint64_t>(shift + args.outputs);
  tensor.sizes[1] = static_cast<uint64_t>(args.rows);
  tensor.stride_bytes[0] = static_cast<uint64_t>(args.ldy) * sizeof(Bf16);
  tensor.box[0] = kStagedColumns;
  tensor.box[1] = kStagedRows;
  return EncodeTensorMap(tensor, "Gemm, y", map);
}

template <typename Config>
Status EncodeMaps(const GemmArgs& args, int cluster, Maps* maps) {
  constexpr uint64_t kSize = SizeOf(Config::kInput);
  BoxedTensor tensor;
  tensor.type = Config::kScaled ? CU_TENSOR_MAP_DATA_TYPE_UINT8 : CU_TENSOR_MAP_DATA_TYPE_BFLOAT16;
  tensor.data = args.x;
  // Of a batch, the last group's columns end with the row.
  const int64_t shift = args.grouping == RowGroups::kBatched ? (args.groups - 1) * args.group_x_stride : 0;
  tensor.sizes[0] = static_cast<uint64_t>(shift + args.inputs);
  tensor.sizes[1] = static_cast<uint64_t>(args.rows);
  tensor.stride_bytes[0] = static_cast<uint64_t>(args.ldx) * kSize;
  tensor.box[0] = Config::kSlab;
  tensor.box[1] = static_cast<uint32_t>(Config::kTileRows / cluster);
  if (Status status = EncodeTensorMap(tensor, "Gemm, x", &maps->x); !status.ok()) return status;

  tensor.data = args.w;
  tensor.sizes[0] = static_cast<uint64_t>(args.inputs);
  tensor.sizes[1] = static_cast<uint64_t>(args.groups * args.outputs);
  tensor.stride_bytes[0] = static_cast<uint64_t>(args.inputs) * kSize;
  tensor.box[1] = Config::kTileOutputs;
  if (Status status = EncodeTensorMap(tensor, "Gemm, w", &maps->w); !status.ok()) return status;
  return Config::kStoresBehind ? EncodeOutputMap(args, &maps->y) : Status();
}

// More tiles than there can be of `rows` rows: every group may end with a part of one.
template <typename Config>
int64_t TilesAtMost(const GemmArgs& args) {
  const int64_t across = Ceiling(args.outputs, Config::kTileOutputs);
  const bool all_rows_each = args.grouping == RowGroups::kBatched;
  return across * (all_rows_each ? args.groups * Ceiling(args.rows, Config::kTileRows) : args.rows / Config::kTileRows + args.groups);
}

template <typename Config>
Status Launch(const GemmArgs& args, int cluster, int multiprocessors, Stream stream) {
  Maps maps = {};
  if (Status status = EncodeMaps<Config>(args, cluster, &maps); !status.ok()) return status;
  const void* const kernel = reinterpret_cast<const void*>(&Kernel<Config>);
  if (Status status = AllowSharedMemory(kernel, Config::kSharedBytes, "Gemm"); !status.ok()) return status;
  const Params params = {
      args.grouping, args.groups,         cluster,      args.rows,       args.outputs,        args.inputs,        args.y, args.ldy,
      args.x_scale,  args.x_scale_stride, args.w_scale, args.group_rows, args.group_x_stride, args.group_y_stride};
  cudaLaunchAttribute attribute = {};
  attribute.id = cudaLaunchAttributeClusterDimension;
  attribute.val.clusterDim = {static_cast<unsigned>(cluster), 1, 1};
  cudaLaunchConfig_t config = {};
  config.blockDim = dim3(Config::kThreads);
  config.dynamicSmemBytes = Config::kSharedBytes;
  config.stream = stream;
  config.attrs = &attribute;
  config.numAttrs = cluster > 1 ? 1 : 0;
  // All at once: two multiprocessors always lie together.
  const int64_t clusters = std::min<int64_t>(multiprocessors, TilesAtMost<Config>(args)) / cluster;
  config.gridDim = dim3(static_cast<unsigned>(clusters * cluster));
  return FromCuda(cudaLaunchKernelEx(&config, &Kernel<Config>, maps.x, maps.w, maps.y, params), "Gemm");
}

}  // namespace baleen::cuda::gemm

#endif  // BALEEN_KERNELS_CUDA_GEMM_LAUNCH_CUH_
