// Calls Prefill.Fill on other workers.
#ifndef BALEEN_SERVICES_ATTENTION_PREFILL_FILL_CLIENT_H_
#define BALEEN_SERVICES_ATTENTION_PREFILL_FILL_CLIENT_H_

#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <string>

#include "absl/status/status.h"
#include "absl/time/time.h"

namespace grpc {
class Channel;
}

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
  std::function<void()> Fill(const std::string& address, const v1::FillRequest& request, absl::Time deadline,
                             std::function<void(absl::Status)> done) override;

 private:
  std::shared_ptr<grpc::Channel> ChannelTo(const std::string& address);

  std::mutex mu_;
  std::map<std::string, std::shared_ptr<grpc::Channel>> channels_;
};

}  // namespace baleen

#endif  // BALEEN_SERVICES_ATTENTION_PREFILL_FILL_CLIENT_H_
