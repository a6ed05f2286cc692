// Calls Decode.Recall on decode workers.
#ifndef BALEEN_SERVICES_GATEWAY_RESUME_RECALL_CLIENT_H_
#define BALEEN_SERVICES_GATEWAY_RESUME_RECALL_CLIENT_H_

#include <grpcpp/security/credentials.h>

#include <functional>
#include <memory>
#include <string>

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "proto/baleen/v1/attention.pb.h"

namespace baleen {

using RecallDone = std::function<void(absl::StatusOr<v1::RecallReply>)>;

// Thread-safe.
class RecallClient {
 public:
  virtual ~RecallClient() = default;
  // `done` is called exactly once, by the deadline, on any thread, maybe before this returns.
  virtual void Recall(const std::string& address, const v1::RecallRequest& request, absl::Time deadline, RecallDone done) = 0;
};

// Over gRPC. Its destructor cancels what is under way and waits for its end.
std::unique_ptr<RecallClient> MakeGrpcRecallClient(std::shared_ptr<grpc::ChannelCredentials> credentials);

}  // namespace baleen

#endif  // BALEEN_SERVICES_GATEWAY_RESUME_RECALL_CLIENT_H_
