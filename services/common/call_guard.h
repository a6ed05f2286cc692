// Refuses gRPC calls by their method and metadata before a service sees them.
#ifndef BALEEN_SERVICES_COMMON_CALL_GUARD_H_
#define BALEEN_SERVICES_COMMON_CALL_GUARD_H_

#include <grpcpp/support/server_interceptor.h>

#include <functional>
#include <memory>
#include <string>

namespace baleen {

// Whether a call of `method` ("/package.Service/Method") with this `authorization` metadata (empty = none) may go on. Thread-safe; must
// not block.
using CallGuard = std::function<bool(const std::string& method, const std::string& authorization)>;

// For a server's interceptors. Refused calls end with CANCELLED, all that gRPC lets an interceptor say. A service that wants to say more
// lets its methods pass and answers by itself.
std::unique_ptr<grpc::experimental::ServerInterceptorFactoryInterface> MakeCallGuard(CallGuard guard);

}  // namespace baleen

#endif  // BALEEN_SERVICES_COMMON_CALL_GUARD_H_
