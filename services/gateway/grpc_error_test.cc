#include "services/gateway/grpc_error.h"

#include <grpcpp/support/error_details.h>
#include <gtest/gtest.h>

#include <string>

#include "google/rpc/error_details.pb.h"
#include "google/rpc/status.pb.h"
#include "services/gateway/api/api_error.h"

namespace baleen {
namespace {

google::rpc::Status DetailsOf(const grpc::Status& status) {
  google::rpc::Status details;
  EXPECT_TRUE(grpc::ExtractErrorDetails(status, &details).ok());
  return details;
}

TEST(GrpcErrorTest, CodeAndRetryTimeGoAsStandardDetails) {
  const absl::Status refused = WithErrorCode(absl::AbortedError("Wait for the first one."), "idempotency_key_in_use");
  const grpc::Status status = ToGrpc(WithRetryAfter(refused, absl::Seconds(7)));
  EXPECT_EQ(status.error_code(), grpc::StatusCode::ABORTED);
  EXPECT_EQ(status.error_message(), "Wait for the first one.");
  const google::rpc::Status details = DetailsOf(status);
  EXPECT_EQ(details.code(), grpc::StatusCode::ABORTED);
  EXPECT_EQ(details.message(), status.error_message());
  ASSERT_EQ(details.details_size(), 2);
  google::rpc::ErrorInfo info;
  ASSERT_TRUE(details.details(0).UnpackTo(&info));
  EXPECT_EQ(info.reason(), "idempotency_key_in_use");
  EXPECT_EQ(info.domain(), "baleen");
  google::rpc::RetryInfo retry;
  ASSERT_TRUE(details.details(1).UnpackTo(&retry));
  EXPECT_EQ(retry.retry_delay().seconds(), 7);
}

TEST(GrpcErrorTest, DetailsAreThoseThatRestHas) {
  EXPECT_EQ(ToGrpc(InvalidField("n", "must be 1.")).error_details(), "");
  EXPECT_EQ(DetailsOf(ToGrpc(absl::UnavailableError("Not now."))).details_size(), 2);
  EXPECT_EQ(DetailsOf(ToGrpc(WithRetryAfter(absl::ResourceExhaustedError("Never."), absl::ZeroDuration()))).details_size(), 1);
}

TEST(GrpcErrorTest, AnAnswerHasNoDetails) {
  const grpc::Status status = ToGrpc(absl::OkStatus());
  EXPECT_TRUE(status.ok());
  EXPECT_EQ(status.error_message() + status.error_details(), "");
}

TEST(GrpcErrorTest, NothingInternalIsTold) {
  EXPECT_EQ(ToGrpc(absl::InternalError("a pointer was null")).error_message(), ToApiError(absl::InternalError("")).message);
}

}  // namespace
}  // namespace baleen
