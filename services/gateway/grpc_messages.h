// The gRPC API's messages to calls and from events: the same fields and bounds as REST.
#ifndef BALEEN_SERVICES_GATEWAY_GRPC_MESSAGES_H_
#define BALEEN_SERVICES_GATEWAY_GRPC_MESSAGES_H_

#include <string>

#include "absl/status/statusor.h"
#include "proto/baleen/v1/inference.pb.h"
#include "services/gateway/api/requests.h"
#include "services/gateway/api/served_model.h"
#include "services/gateway/generation/generation.h"
#include "services/gateway/tenants/tenant_account.h"

namespace baleen {

// INVALID_ARGUMENT names the field.
absl::StatusOr<CompletionCall> ToCompletionCall(const v1::GenerateRequest& request, const GenerationSpec& defaults);
absl::StatusOr<ChatCall> ToChatCall(const v1::ChatRequest& request, const GenerationSpec& defaults);

void FillResponse(const GenerationEvent& event, const std::string& request_id, bool with_logprobs, v1::GenerateResponse* response);
void FillResponse(const GenerationEvent& event, const std::string& request_id, bool with_logprobs, v1::ChatResponse* response);

void FillUsage(const GenerationUsage& usage, v1::Usage* message);
void FillModel(const ServedModel& model, v1::Model* message);
void FillUsage(const TenantAccount& account, v1::GetUsageResponse* message);

}  // namespace baleen

#endif  // BALEEN_SERVICES_GATEWAY_GRPC_MESSAGES_H_
