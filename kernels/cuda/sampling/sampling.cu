#include "kernels/cuda/base/launch.h"
#include "kernels/cuda/sampling/sampling.h"
#include "kernels/cuda/sampling/select.cuh"

namespace baleen::cuda {
namespace {

using namespace sampling;

// Of all threads of the cluster; every thread gets it. The cluster's first exchange: the kernel began by saying that its block is there.
__device__ uint64_t GreatestRank(uint64_t own, Shared& shared) {
  const groups::cluster_group cluster = groups::this_cluster();
  for (int step = 16; step > 0; step /= 2) own = max(own, __shfl_xor_sync(kAllLanes, own, step));
  if (threadIdx.x % 32 == 0) shared.merge.warp_sums[threadIdx.x / 32] = own;
  __syncthreads();
  cluster.barrier_wait();  // A block that has not begun has no shared memory to write to.
  if (threadIdx.x < kCluster) {
    uint64_t best = 0;
    for (int warp = 0; warp < kWarps; ++warp) best = max(best, shared.merge.warp_sums[warp]);
    InBlock(&shared, threadIdx.x)->bests[cluster.block_rank()] = best;
  }
  cluster.sync();
  uint64_t best = 0;
  for (int block = 0; block < kCluster; ++block) best = max(best, shared.bests[block]);
  return best;
}

enum Step { kTopK, kTopP, kDraw };

// Applies top-k, min-p and top-p in the sampler's order, then draws. Whatever a cut keeps is a run of the likeliest, so that the bins that
// top-p is found with serve the draw.
__device__ uint32_t Draw(const RowSampling& how, const Slice& slice, float top, Shared& shared) {
  Search search;
  search.by_temperature = UsualDivision(how.temperature);
  search.least_weight = how.min_p > 0 ? fminf(how.min_p, 1.0f) : 0;
  uint64_t total = 0;
  uint32_t token = 0;
#pragma unroll 1
  for (int step = how.top_k > 0 ? kTopK : how.top_p < 1 ? kTopP : kDraw; step <= kDraw; ++step) {
    if (step == kTopP && !(how.top_p < 1)) continue;
    search.counts = step == kTopK;
    search.by_id = step == kDraw && search.least_rank == 0 && !(how.top_p < 1);
    if (step != kDraw || !(how.top_p < 1)) {
      search.bins = BinsBelow(top, search.counts ? 1 : how.temperature);
      FillBins(slice, search, shared);
      total = shared.bins.Total();
    }
    if (step == kTopK && static_cast<uint64_t>(how.top_k) >= total) continue;
    const uint64_t bound = step == kTopK   ? static_cast<uint64_t>(how.top_k)
                           : step == kTopP ? MassReaching(how.top_p, total)
                                           : MassBeyond(how.uniform, total);
    const Chosen chosen = Reaching(slice, search, bound, shared);
    if (step == kTopK) search.least_rank = chosen.rank;
    if (step == kTopP) total = chosen.through;
    token = IdOfRank(chosen.rank);
  }
  return token;
}

// A cluster of blocks a row, which is read once and kept in their shared memory.
__global__ void __cluster_dims__(kCluster, 1, 1) __launch_bounds__(kThreads, 2) Kernel(const __grid_constant__ SamplingArgs args) {
  extern __shared__ __align__(16) unsigned char memory[];
  groups::this_cluster().barrier_arrive();
  Shared& shared = *reinterpret_cast<Shared*>(memory);
  const int64_t row = blockIdx.x / kCluster;
  const int rank = static_cast<int>(blockIdx.x) % kCluster;
  const int vocabulary = static_cast<int>(args.vocabulary);
  const int size = SliceSize(vocabulary);
  const RowSampling& how = args.rows_sampling[row];  // Read again where it is needed, since registers are few.
  const Source from = {args.logits + row * args.ld, args.allowed == nullptr ? nullptr : args.allowed + row * ((vocabulary + 31) / 32),
                       min(rank * size, vocabulary), min((rank + 1) * size, vocabulary)};
  Slice slice = {reinterpret_cast<float4*>(memory + sizeof(Shared)), 0, 0};
  const uint64_t best = GreatestRank(LoadSlice(from, slice), shared);
  int32_t token = best == 0 ? -1 : static_cast<int32_t>(IdOfRank(best));
  if (best != 0 && how.temperature > 0) {
    token = static_cast<int32_t>(Draw(how, slice, ValueOfKey(static_cast<uint32_t>(best >> kIdBits)), shared));
  }
  if (rank == 0 && threadIdx.x == 0) args.tokens[row] = token;
}

}  // namespace

Status Sample(const SamplingArgs& args, Stream stream) {
  if (std::string problem = SamplingProblem(args); !problem.empty()) return Status(std::move(problem));
  if (args.rows == 0) return Status();
  const int bytes = static_cast<int>(sizeof(Shared)) + MostQuads(static_cast<int>(args.vocabulary)) * 16;
  if (Status status = AllowSharedMemory(reinterpret_cast<const void*>(Kernel), bytes, "Sample"); !status.ok()) return status;
  Kernel<<<static_cast<unsigned>(args.rows * kCluster), kThreads, static_cast<size_t>(bytes), stream>>>(args);
  return LaunchStatus("Sample");
}

}  // namespace baleen::cuda
