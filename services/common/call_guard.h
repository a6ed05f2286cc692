// Refuses gRPC calls by their method and metadata before a service sees them.
#ifndef BALEEN_SERVICES_COMMON_CALL_GUARD_H_
#define BALEEN_SERVICES_COMMON_CALL_GUARD_H_

#include <grpcpp/support/server_interceptor.h>

#include <functional>
#include <memory>
#include <string>

#include "absl/status/status.h"

namespace baleen {

// Whether a call of `method` ("/package.Service/Method") with this `authorization` metadata (empty = none) may go on: OK, or what its
// caller is told. Thread-safe; must not block.
using CallGuard = std::function<absl::Status(const std::string& method, const std::string& authorization)>;

// For a server's interceptors. A refused call ends with the guard's status and its message, without trailing metadata.
std::unique_ptr<grpc::experimental::ServerInterceptorFactoryInterface> MakeCallGuard(CallGuard guard);

}  // namespace baleen

#endif  // BALEEN_SERVICES_COMMON_CALL_GUARD_H_
