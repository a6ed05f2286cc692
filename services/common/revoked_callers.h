// Ends the calls that a server's clients have open when their certificates are revoked.
#ifndef BALEEN_SERVICES_COMMON_REVOKED_CALLERS_H_
#define BALEEN_SERVICES_COMMON_REVOKED_CALLERS_H_

#include <grpcpp/support/server_interceptor.h>

#include <memory>

#include "services/common/revocation_list.h"

namespace baleen {

// For a server's interceptors. Calls end with UNAUTHENTICATED once `revoked` has the certificate that their client showed; those of
// clients that showed none go on.
std::unique_ptr<grpc::experimental::ServerInterceptorFactoryInterface> CutRevokedCallers(std::shared_ptr<const RevocationList> revoked);

}  // namespace baleen

#endif  // BALEEN_SERVICES_COMMON_REVOKED_CALLERS_H_
