// Errors as gRPC's clients see them: the sentence and the code that the REST API has for them, and when to come back.
#ifndef BALEEN_SERVICES_GATEWAY_GRPC_ERROR_H_
#define BALEEN_SERVICES_GATEWAY_GRPC_ERROR_H_

#include <grpcpp/grpcpp.h>

#include "absl/status/status.h"

namespace baleen {

// The status by its own code, with ToApiError's message. Its details are a google.rpc.Status (`grpc-status-details-bin`): an ErrorInfo,
// whose reason is the REST API's `code`, and a RetryInfo, each where there is such a thing.
grpc::Status ToGrpc(const absl::Status& status);

}  // namespace baleen

#endif  // BALEEN_SERVICES_GATEWAY_GRPC_ERROR_H_
