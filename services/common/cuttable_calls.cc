#include "services/common/cuttable_calls.h"

#include <utility>
#include <vector>

namespace baleen {

CuttableCalls::CallRef CuttableCalls::Ref(grpc_call* call) {
  grpc_call_ref(call);
  return CallRef(call);
}

void CuttableCalls::Add(grpc_call* call, std::string certificate) {
  const std::lock_guard<std::mutex> lock(mutex_);
  calls_[call] = {Ref(call), std::move(certificate)};
}

void CuttableCalls::Remove(grpc_call* call) {
  decltype(calls_)::node_type removed;  // Goes after the lock.
  const std::lock_guard<std::mutex> lock(mutex_);
  removed = calls_.extract(call);
}

size_t CuttableCalls::Cut(const std::function<bool(const std::string& certificate)>& chosen) const {
  std::vector<CallRef> cut;
  {
    const std::lock_guard<std::mutex> lock(mutex_);
    for (const auto& [call, open] : calls_) {
      if (chosen(open.certificate)) cut.push_back(Ref(call));
    }
  }
  // Without the lock: a call may end, and be removed, before this returns.
  for (const CallRef& call : cut) grpc_call_cancel_with_status(call.get(), code_, message_, nullptr);
  return cut.size();
}

}  // namespace baleen
