#include "services/gateway/grpc_error.h"

#include <grpcpp/support/error_details.h>

#include "google/rpc/error_details.pb.h"
#include "google/rpc/status.pb.h"
#include "services/gateway/api/api_error.h"

namespace baleen {
namespace {

constexpr char kDomain[] = "baleen";

}  // namespace

grpc::Status ToGrpc(const absl::Status& status) {
  if (status.ok()) return grpc::Status::OK;
  const ApiError error = ToApiError(status);
  const auto code = static_cast<grpc::StatusCode>(status.code());
  if (error.code.empty() && error.retry_after_s == 0) return grpc::Status(code, error.message);
  google::rpc::Status told;
  told.set_code(code);
  told.set_message(error.message);
  if (!error.code.empty()) {
    google::rpc::ErrorInfo info;
    info.set_reason(error.code);
    info.set_domain(kDomain);
    told.add_details()->PackFrom(info);
  }
  if (error.retry_after_s > 0) {
    google::rpc::RetryInfo retry;
    retry.mutable_retry_delay()->set_seconds(error.retry_after_s);
    told.add_details()->PackFrom(retry);
  }
  return grpc::Status(code, error.message, told.SerializeAsString());
}

}  // namespace baleen
