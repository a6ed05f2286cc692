// The GPUs of one pod that compute one network together (tensor parallelism). They never add anything up across each other, they only put
// together what each has computed whole: so their number changes no bit.
#ifndef BALEEN_MODEL_CUDA_RANK_GROUP_H_
#define BALEEN_MODEL_CUDA_RANK_GROUP_H_

#include <cstddef>
#include <memory>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "kernels/cuda/base/status.h"

namespace baleen {

// Every rank calls on a thread of its own, where its device is selected; all make the same calls in the same order.
class RankGroup {
 public:
  virtual ~RankGroup() = default;

  // Enqueues `to` [size, bytes] = every rank's `from`, in order of rank; both are of rank `rank`'s device and apart. May wait until all
  // ranks have called. INTERNAL: the device's or NCCL's words. Not for graphs.
  virtual absl::Status AllGather(int rank, const void* from, void* to, size_t bytes, cuda::Stream stream) = 0;

  // From any thread, when a rank failed alone: all calls return `cause` from now on, those that wait for other ranks too.
  virtual void Abort(const absl::Status& cause) = 0;
};

// Rank r is on device r of at least `size`. By NCCL in a build with CUDA, which looks for libnccl.so.2 here and nowhere else; by copies on
// the emulation. FAILED_PRECONDITION: there is no NCCL.
absl::StatusOr<std::unique_ptr<RankGroup>> CreateRankGroup(int size);

}  // namespace baleen

#endif  // BALEEN_MODEL_CUDA_RANK_GROUP_H_
