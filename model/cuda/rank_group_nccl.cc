#include <dlfcn.h>
#include <nccl.h>

#include <mutex>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "base/status_macros.h"
#include "model/cuda/rank_group.h"

namespace baleen {
namespace {

constexpr char kLibrary[] = "libnccl.so.2";

// NCCL's functions, found when ranks are made: a GPU alone needs no NCCL.
struct Nccl {
  decltype(&ncclCommInitAll) comm_init_all = nullptr;
  decltype(&ncclCommDestroy) comm_destroy = nullptr;
  decltype(&ncclCommAbort) comm_abort = nullptr;
  decltype(&ncclAllGather) all_gather = nullptr;
  decltype(&ncclGetErrorString) get_error_string = nullptr;

  static absl::StatusOr<Nccl> Open() {
    void* const library = dlopen(kLibrary, RTLD_NOW | RTLD_LOCAL);  // Never closed.
    if (library == nullptr) return absl::FailedPreconditionError(absl::StrCat("several GPUs need NCCL: ", dlerror()));
    Nccl nccl;
    RETURN_IF_ERROR(Find(library, "ncclCommInitAll", &nccl.comm_init_all));
    RETURN_IF_ERROR(Find(library, "ncclCommDestroy", &nccl.comm_destroy));
    RETURN_IF_ERROR(Find(library, "ncclCommAbort", &nccl.comm_abort));
    RETURN_IF_ERROR(Find(library, "ncclAllGather", &nccl.all_gather));
    RETURN_IF_ERROR(Find(library, "ncclGetErrorString", &nccl.get_error_string));
    return nccl;
  }

  absl::Status Check(ncclResult_t result, absl::string_view what) const {
    if (result == ncclSuccess) return absl::OkStatus();
    return absl::InternalError(absl::StrCat("NCCL, ", what, ": ", get_error_string(result)));
  }

 private:
  template <typename Function>
  static absl::Status Find(void* library, const char* name, Function* function) {
    *function = reinterpret_cast<Function>(dlsym(library, name));
    if (*function != nullptr) return absl::OkStatus();
    return absl::FailedPreconditionError(absl::StrCat(kLibrary, " has no ", name));
  }
};

class NcclRankGroup final : public RankGroup {
 public:
  static absl::StatusOr<std::unique_ptr<RankGroup>> Create(int size) {
    auto group = std::make_unique<NcclRankGroup>();
    ASSIGN_OR_RETURN(group->nccl_, Nccl::Open());
    group->communicators_.resize(static_cast<size_t>(size));
    ncclComm_t* const communicators = group->communicators_.data();
    RETURN_IF_ERROR(group->nccl_.Check(group->nccl_.comm_init_all(communicators, size, nullptr), "a communicator for each GPU"));
    return group;
  }
  ~NcclRankGroup() override {
    if (!aborted().ok()) return;
    for (const ncclComm_t communicator : communicators_) {
      if (communicator != nullptr) nccl_.comm_destroy(communicator);
    }
  }

  absl::Status AllGather(int rank, const void* from, void* to, size_t bytes, cuda::Stream stream) override {
    RETURN_IF_ERROR(aborted());
    const ncclComm_t communicator = communicators_[static_cast<size_t>(rank)];
    return nccl_.Check(nccl_.all_gather(from, to, bytes, ncclUint8, communicator, stream), "all-gather");
  }

  // Ends what is in the streams too, which would wait for the failed rank for ever.
  void Abort(const absl::Status& cause) override {
    {
      const std::lock_guard<std::mutex> lock(mu_);
      if (!std::exchange(aborted_, cause).ok()) return;
    }
    for (const ncclComm_t communicator : communicators_) nccl_.comm_abort(communicator);
  }

 private:
  absl::Status aborted() const {
    const std::lock_guard<std::mutex> lock(mu_);
    return aborted_;
  }

  Nccl nccl_;
  std::vector<ncclComm_t> communicators_;  // By rank.
  mutable std::mutex mu_;
  absl::Status aborted_;
};

}  // namespace

absl::StatusOr<std::unique_ptr<RankGroup>> CreateRankGroup(int size) { return NcclRankGroup::Create(size); }

}  // namespace baleen
