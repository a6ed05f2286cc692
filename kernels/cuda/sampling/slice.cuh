// A row of logits in the shared memory of a cluster of thread blocks: each block holds a slice of the vocabulary.
#ifndef BALEEN_KERNELS_CUDA_SAMPLING_SLICE_CUH_
#define BALEEN_KERNELS_CUDA_SAMPLING_SLICE_CUH_

#include <cstdint>

#include "kernels/cuda/base/warp.cuh"
#include "kernels/cuda/sampling/mass.h"

namespace baleen::cuda::sampling {

inline constexpr int kCluster = 8;
inline constexpr int kThreads = 512;
inline constexpr int kWarps = kThreads / 32;
inline constexpr int kLoads = 4;  // Vectors a thread has under way.

// Ids of a block but the last: a multiple of 128, so that all slices lie alike to 16 bytes.
BALEEN_HOST_DEVICE constexpr int SliceSize(int vocabulary) { return (vocabulary + kCluster * 128 - 1) / (kCluster * 128) * 128; }
// Vectors of four of the largest slice, wherever it begins within 16 bytes.
BALEEN_HOST_DEVICE constexpr int MostQuads(int vocabulary) { return SliceSize(vocabulary) / 4 + 1; }

// Clean logits, a NaN where no token may be chosen. Quad q holds ids first_id + 4 q and on.
struct Slice {
  float4* quads;
  int count;
  int first_id;  // < 0 where the row begins within 16 bytes.
};

__device__ inline float Component(const float4& quad, int i) { return i == 0 ? quad.x : i == 1 ? quad.y : i == 2 ? quad.z : quad.w; }

// What a row is read from.
struct Source {
  const float* logits;
  const uint32_t* allowed;  // Or null.
  int begin;                // The slice's ids.
  int end;
};

__device__ inline float None() { return __uint_as_float(0x7fffffffu); }
__device__ inline float IfAllowed(const Source& from, int id, float x) { return (from.allowed[id / 32] >> id % 32 & 1u) != 0 ? x : None(); }
__device__ inline float4 Cleaned(const Source& from, int id, const float4& x) {
  const float4 clean = make_float4(CleanLogit(x.x), CleanLogit(x.y), CleanLogit(x.z), CleanLogit(x.w));
  if (from.allowed == nullptr) return clean;
  return make_float4(IfAllowed(from, id, clean.x), IfAllowed(from, id + 1, clean.y), IfAllowed(from, id + 2, clean.z),
                     IfAllowed(from, id + 3, clean.w));
}
// Of a quad at an end of the slice, which the row may not fill.
__device__ inline float CleanedOrNone(const Source& from, int id) {
  if (id < from.begin || id >= from.end) return None();
  const float clean = CleanLogit(from.logits[id]);
  return from.allowed == nullptr ? clean : IfAllowed(from, id, clean);
}

// The likeliest a thread has met; of equals the first, as long as quads come in order.
struct Best {
  float logit = 0;
  int quad = -1;

  __device__ void Meet(const float4& x, int at) {
    const float most = fmaxf(fmaxf(x.x, x.y), fmaxf(x.z, x.w));  // A NaN only where all are.
    if (most > logit || (quad < 0 && most == most)) {
      logit = most;
      quad = at;
    }
  }
};

// Reads the block's slice, once, and returns the greatest rank this thread met, 0 where no token may be chosen. Each thread writes and
// meets quads of its own.
__device__ inline uint64_t LoadSlice(const Source& from, Slice& slice) {
  const int size = from.end - from.begin;
  const int ahead = static_cast<int>(reinterpret_cast<uintptr_t>(from.logits + from.begin) / sizeof(float) % 4);
  slice.count = size > 0 ? (ahead + size + 3) / 4 : 0;
  slice.first_id = from.begin - ahead;
  const int whole_end = size > 0 ? (ahead + size) / 4 : 0;
  Best best;
  const auto edge = [&](int quad) {
    const int id = slice.first_id + 4 * quad;
    const float4 x =
        make_float4(CleanedOrNone(from, id), CleanedOrNone(from, id + 1), CleanedOrNone(from, id + 2), CleanedOrNone(from, id + 3));
    slice.quads[quad] = x;
    best.Meet(x, quad);
  };
  const int whole_begin = ahead > 0 ? 1 : 0;
  if (whole_begin > 0 && slice.count > 0 && threadIdx.x == 0) edge(0);
  const float4* const vectors = reinterpret_cast<const float4*>(from.logits + from.begin - ahead);
  for (int first = whole_begin + static_cast<int>(threadIdx.x); first < whole_end; first += kLoads * kThreads) {
    float4 x[kLoads];
#pragma unroll
    for (int i = 0; i < kLoads; ++i) {
      if (first + i * kThreads < whole_end) x[i] = __ldg(vectors + first + i * kThreads);
    }
#pragma unroll
    for (int i = 0; i < kLoads; ++i) {
      const int quad = first + i * kThreads;
      if (quad >= whole_end) break;
      x[i] = Cleaned(from, slice.first_id + 4 * quad, x[i]);
      slice.quads[quad] = x[i];
      best.Meet(x[i], quad);
    }
  }
  if (whole_end >= whole_begin && whole_end < slice.count && threadIdx.x == kThreads - 1) edge(whole_end);
  if (best.quad < 0) return 0;
  const float4 x = slice.quads[best.quad];
  int at = 0;
  while (Component(x, at) != best.logit) ++at;
  return RankByLikelihood(best.logit, slice.first_id + 4 * best.quad + at);
}

}  // namespace baleen::cuda::sampling

#endif  // BALEEN_KERNELS_CUDA_SAMPLING_SLICE_CUH_
