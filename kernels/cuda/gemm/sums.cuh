// The multiplying side of a GEMM block: one tile's sums.
#ifndef BALEEN_KERNELS_CUDA_GEMM_SUMS_CUH_
#define BALEEN_KERNELS_CUDA_GEMM_SUMS_CUH_

#include <cstdint>

#include "kernels/cuda/base/swizzle.h"
#include "kernels/cuda/gemm/block.cuh"
#include "kernels/cuda/ptx/cluster.cuh"
#include "kernels/cuda/ptx/wgmma.cuh"
#include "kernels/cuda/ptx/wgmma_along_k.cuh"

namespace baleen::cuda::gemm {

// A slab's scales for a thread: of its upper and lower rows of x, and of the parts of w.
template <typename Config>
struct Scales {
  float upper;
  float lower;
  float w[Config::kScaleParts];
};

// The stages as a thread that multiplies sees them: addresses and descriptors of the first, the others a constant apart.
template <typename Config>
class Stages {
 public:
  __device__ Stages(const Params& params, const Shared<Config>& shared)
      : x_(RowsAlongK(SharedAddress(shared.x(0)) + FirstRow() * kSlabBytes)),
        w_(RowsAlongK(SharedAddress(shared.w(0)))),
        w_scale_(shared.w_scale(0)),
        x_scale_(shared.x_scale(0) + FirstRow() + FragmentRow(threadIdx.x % kWarpgroupThreads, 0)),
        full_(shared.full) {
    const uint32_t lane = threadIdx.x % 32;
    const uint32_t cluster = static_cast<uint32_t>(params.cluster);
    releases_ = lane < cluster;
    empty_ = AddressAt(shared.empty, releases_ ? lane : 0);
  }

  __device__ void Wait(const Ring<Config>& ring) const { full_[ring.stage].Wait(ring.parity); }

  // Gives a stage back to every block of the cluster, since each writes to it.
  __device__ void Release(int stage) const {
    if (releases_) ArriveAt(empty_ + stage * static_cast<int>(sizeof(Barrier)));
  }

  // Issues the products of one slab with this warpgroup's sub-tile `sub`.
  __device__ void Multiply(int stage, int sub, bool fresh, float (&sums)[Config::kValues]) const {
    const uint64_t x = Advance(x_, stage * Config::kXBytes + sub * kProductRows * kSlabBytes);
    const uint64_t w = Advance(w_, stage * Config::kWBytes);
#pragma unroll
    for (int k = 0; k < kProductsPerSlab; ++k) {
      if constexpr (Config::kScaled) {
        MultiplyE4m3(sums, Advance(x, 32 * k), Advance(w, 32 * k), fresh && k == 0);
      } else {
        MultiplyBf16(sums, Advance(x, 32 * k), Advance(w, 32 * k), fresh && k == 0);
      }
    }
  }

  // The tile's rows have their scales from `first_scale` on.
  __device__ Scales<Config> ScalesOf(int stage, int sub, int first_scale) const {
    const float* const x = x_scale_ + stage * (Config::kScaleBytes / 4) + first_scale + sub * kProductRows;
    const float* const w = w_scale_ + stage * (Config::kScaleBytes / 4);
    Scales<Config> scales = {x[0], x[8]};
#pragma unroll
    for (int part = 0; part < Config::kScaleParts; ++part) scales.w[part] = w[part];
    return scales;
  }

 private:
  // Of this warpgroup in the tile.
  __device__ static int FirstRow() {
    return Config::kWarpgroups == 1 ? 0 : threadIdx.x / kWarpgroupThreads * Config::kSubTiles * kProductRows;
  }

  uint64_t x_;
  uint64_t w_;
  const float* w_scale_;
  const float* x_scale_;
  Barrier* full_;
  uint32_t empty_;
  bool releases_;
};

template <typename Config>
__device__ inline void AddScaled(const float (&sums)[Config::kValues], const Scales<Config>& scales, float (&total)[Config::kValues]) {
  constexpr int kParts = Config::kScaleParts;
  float upper[kParts];
  float lower[kParts];
#pragma unroll
  for (int part = 0; part < kParts; ++part) {
    upper[part] = scales.upper * scales.w[part];
    lower[part] = scales.lower * scales.w[part];
  }
#pragma unroll
  for (int i = 0; i < Config::kValues; i += 4) {
    const int part = i * kParts / Config::kValues;
    total[i] = fmaf(sums[i], upper[part], total[i]);
    total[i + 1] = fmaf(sums[i + 1], upper[part], total[i + 1]);
    total[i + 2] = fmaf(sums[i + 2], lower[part], total[i + 2]);
    total[i + 3] = fmaf(sums[i + 3], lower[part], total[i + 3]);
  }
}

// FP8: every slab's sums are scaled and added, in order.
template <typename Config>
__device__ inline void SumScaled(const Stages<Config>& stages, Ring<Config>& ring, int slabs, int first_scale,
                                 float (&total)[Config::kSubTiles][Config::kValues]) {
  for (int slab = 0; slab < slabs; ++slab) {
    stages.Wait(ring);
    Scales<Config> scales[Config::kSubTiles];
#pragma unroll
    for (int sub = 0; sub < Config::kSubTiles; ++sub) scales[sub] = stages.ScalesOf(ring.stage, sub, first_scale);
#pragma unroll
    for (int sub = 0; sub < Config::kSubTiles; ++sub) {
      float sums[Config::kValues];
      PinSums(sums);
      ProductsBegin();
      stages.Multiply(ring.stage, sub, true, sums);
      ProductsCommit();
      ProductsWait<0>();
      PinSums(sums);
      if (sub == Config::kSubTiles - 1) stages.Release(ring.stage);
      AddScaled<Config>(sums, scales[sub], total[sub]);
    }
    ring.Advance();
  }
}

// A slab whose products run.
template <typename Config>
struct Running {
  Scales<Config> scales;
  int stage;
};

template <typename Config>
__device__ inline Running<Config> Start(const Stages<Config>& stages, Ring<Config>& ring, int first_scale, float (&sums)[Config::kValues]) {
  stages.Wait(ring);
  const Running<Config> running = {stages.ScalesOf(ring.stage, 0, first_scale), ring.stage};
  PinSums(sums);
  ProductsBegin();
  stages.Multiply(ring.stage, 0, true, sums);
  ProductsCommit();
  ring.Advance();
  return running;
}

template <typename Config>
__device__ inline void Finish(const Stages<Config>& stages, const Running<Config>& running, float (&sums)[Config::kValues],
                              float (&total)[Config::kValues]) {
  PinSums(sums);
  stages.Release(running.stage);
  AddScaled<Config>(sums, running.scales, total);
}

// The same sums in the same order, the next slab's products running while one's sums are added.
template <typename Config>
__device__ inline void SumScaledAhead(const Stages<Config>& stages, Ring<Config>& ring, int slabs, int first_scale,
                                      float (&total)[Config::kValues]) {
  float even[Config::kValues];
  float odd[Config::kValues];
  Running<Config> on_even = Start(stages, ring, first_scale, even);
  int slab = 1;
#pragma unroll 1
  for (; slab + 1 < slabs; slab += 2) {
    const Running<Config> on_odd = Start(stages, ring, first_scale, odd);
    ProductsWait<1>();
    Finish(stages, on_even, even, total);
    on_even = Start(stages, ring, first_scale, even);
    ProductsWait<1>();
    Finish(stages, on_odd, odd, total);
  }
  if (slab < slabs) {
    const Running<Config> on_odd = Start(stages, ring, first_scale, odd);
    ProductsWait<1>();
    Finish(stages, on_even, even, total);
    ProductsWait<0>();
    Finish(stages, on_odd, odd, total);
  } else {
    ProductsWait<0>();
    Finish(stages, on_even, even, total);
  }
}

// BF16: the tensor cores' own sums, one slab in flight behind the other.
template <typename Config>
__device__ inline void SumPlain(const Stages<Config>& stages, Ring<Config>& ring, int slabs,
                                float (&total)[Config::kSubTiles][Config::kValues]) {
  int last_stage = 0;
#pragma unroll
  for (int sub = 0; sub < Config::kSubTiles; ++sub) PinSums(total[sub]);
  for (int slab = 0; slab < slabs; ++slab) {
    stages.Wait(ring);
    ProductsBegin();
#pragma unroll
    for (int sub = 0; sub < Config::kSubTiles; ++sub) stages.Multiply(ring.stage, sub, slab == 0, total[sub]);
    ProductsCommit();
    ProductsWait<1>();
    if (slab > 0) stages.Release(last_stage);
    last_stage = ring.stage;
    ring.Advance();
  }
  ProductsWait<0>();
#pragma unroll
  for (int sub = 0; sub < Config::kSubTiles; ++sub) PinSums(total[sub]);
  stages.Release(last_stage);
}

}  // namespace baleen::cuda::gemm

#endif  // BALEEN_KERNELS_CUDA_GEMM_SUMS_CUH_
