// The public gRPC API, baleen.v1.Inference: the same generations as REST.
#ifndef BALEEN_SERVICES_GATEWAY_GRPC_INFERENCE_H_
#define BALEEN_SERVICES_GATEWAY_GRPC_INFERENCE_H_

#include <grpcpp/grpcpp.h>

#include <atomic>
#include <memory>

#include "absl/time/time.h"
#include "services/gateway/api/served_model.h"
#include "services/gateway/generation/generation.h"
#include "services/gateway/probe.h"

namespace baleen {

class IdempotencyKeys;
class RequestFinder;
class TenantDirectory;
class TextPool;

struct InferenceOptions {
  const ServedModel* model = nullptr;
  GenerationContext generation;
  GatewayProbe* probe = nullptr;
  RequestFinder* finder = nullptr;                     // Null = nothing is resumable here.
  const TenantDirectory* tenants = nullptr;            // Null = no key is asked for.
  TextPool* texts = nullptr;                           // Null = long texts stay on gRPC's threads.
  IdempotencyKeys* idempotency = nullptr;              // Null = requests with such a key are refused.
  std::shared_ptr<std::atomic<int>> calls = {};        // How many are under way; null = nobody asks.
  absl::Duration request_timeout = absl::Minutes(10);  // A client's shorter deadline holds.
};

// Every method asks for a key as REST does. Errors are gRPC statuses with the REST API's sentences. Cancellation frees the
// sequence, unless it is resumable.
std::unique_ptr<grpc::Service> MakeInferenceService(InferenceOptions options);

}  // namespace baleen

#endif  // BALEEN_SERVICES_GATEWAY_GRPC_INFERENCE_H_
