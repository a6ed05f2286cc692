// gRPC calls under way that may be ended from outside.
#ifndef BALEEN_SERVICES_COMMON_CUTTABLE_CALLS_H_
#define BALEEN_SERVICES_COMMON_CUTTABLE_CALLS_H_

#include <grpc/grpc.h>

#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <string>

namespace baleen {

// Either end's calls, each with the certificate that its peer showed. Thread-safe.
class CuttableCalls {
 public:
  // What a call that is cut ends with.
  CuttableCalls(grpc_status_code code, const char* message) : code_(code), message_(message) {}

  // Keeps the call's memory until Remove.
  void Add(grpc_call* call, std::string certificate);
  // Nothing happens where it is not there.
  void Remove(grpc_call* call);
  // Ends the calls whose certificate `chosen` returns true for; how many. `chosen` must not call back.
  size_t Cut(const std::function<bool(const std::string& certificate)>& chosen) const;

 private:
  struct Unref {
    void operator()(grpc_call* call) const { grpc_call_unref(call); }
  };
  using CallRef = std::unique_ptr<grpc_call, Unref>;
  static CallRef Ref(grpc_call* call);

  struct Open {
    CallRef call;
    std::string certificate;
  };

  const grpc_status_code code_;
  const char* const message_;
  mutable std::mutex mutex_;
  std::map<grpc_call*, Open> calls_;
};

}  // namespace baleen

#endif  // BALEEN_SERVICES_COMMON_CUTTABLE_CALLS_H_
