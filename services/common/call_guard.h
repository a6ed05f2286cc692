// Refuses gRPC calls by their method and metadata before a service sees them.
#ifndef BALEEN_SERVICES_COMMON_CALL_GUARD_H_
#define BALEEN_SERVICES_COMMON_CALL_GUARD_H_

#include <grpcpp/server_builder.h>

#include <functional>
#include <string>

namespace baleen {

// Whether a call of `method` ("/package.Service/Method") with this `authorization` metadata (empty = none) may go on. Thread-safe; must
// not block.
using CallGuard = std::function<bool(const std::string& method, const std::string& authorization)>;

// Refused calls end with CANCELLED, all that gRPC lets an interceptor say. A service that wants to say more lets its methods pass and
// answers by itself.
void AddCallGuard(CallGuard guard, grpc::ServerBuilder& builder);

}  // namespace baleen

#endif  // BALEEN_SERVICES_COMMON_CALL_GUARD_H_
