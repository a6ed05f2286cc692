// Calls Prefill.Fill on other workers.
#ifndef BALEEN_SERVICES_ATTENTION_PREFILL_FILL_CLIENT_H_
#define BALEEN_SERVICES_ATTENTION_PREFILL_FILL_CLIENT_H_

#include <grpcpp/security/credentials.h>

#include <functional>
#include <memory>
#include <string>
#include <utility>

#include "absl/status/status.h"
#include "absl/time/time.h"
#include "services/common/channel_pool.h"

namespace baleen {

namespace v1 {
class FillRequest;
}

// Thread-safe.
class FillClient {
 public:
  virtual ~FillClient() = default;
  // Starts a call; `done` is called exactly once, maybe before this returns. The result cancels the call and may be called at any time.
  virtual std::function<void()> Fill(const std::string& address, const v1::FillRequest& request, absl::Time deadline,
                                     std::function<void(absl::Status)> done) = 0;
};

class GrpcFillClient final : public FillClient {
 public:
  explicit GrpcFillClient(std::shared_ptr<grpc::ChannelCredentials> credentials) : channels_(std::move(credentials), kWorkerSilence) {}
  // Cancels what is under way and waits for its end.
  ~GrpcFillClient() override;

  std::function<void()> Fill(const std::string& address, const v1::FillRequest& request, absl::Time deadline,
                             std::function<void(absl::Status)> done) override;

 private:
  ChannelPool channels_;
  const std::shared_ptr<OpenCalls> calls_ = std::make_shared<OpenCalls>();
};

}  // namespace baleen

#endif  // BALEEN_SERVICES_ATTENTION_PREFILL_FILL_CLIENT_H_
