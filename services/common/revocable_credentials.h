// Channel credentials that take back what they gave when a server's certificate is revoked.
#ifndef BALEEN_SERVICES_COMMON_REVOCABLE_CREDENTIALS_H_
#define BALEEN_SERVICES_COMMON_REVOCABLE_CREDENTIALS_H_

#include <atomic>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <string>

#include "absl/strings/string_view.h"
#include "services/common/cuttable_calls.h"
#include "services/common/revocation_list.h"
#include "transport/grpc/severable_credentials.h"

namespace baleen {

// The server at the other end of a channel, and the calls that are open to it. Thread-safe.
class DialledServer final : public RevocationObserver {
 public:
  explicit DialledServer(std::string address) : address_(std::move(address)) {}

  // The certificate of the newest connection; before it is judged.
  void Showed(absl::string_view certificate);
  // A call on a severed channel ends at once.
  void Begin(grpc_call* call);
  void End(grpc_call* call) { calls_.Remove(call); }
  // For good, once a list has the newest connection's certificate.
  bool severed() const { return severed_; }
  void OnRevocations(const RevocationList& list) override;

 private:
  size_t CutAll() const;

  const std::string address_;
  CuttableCalls calls_{GRPC_STATUS_UNAVAILABLE, "the server's certificate has been revoked"};
  std::atomic<bool> severed_{false};
  std::mutex mutex_;
  std::string certificate_;  // Empty before the first connection.
};

// Channels with TLS that are severed, each by itself, when `revoked` gets their server's certificate. Thread-safe.
class RevocableCredentials final : public SeverableCredentials {
 public:
  // Credentials for one channel, which tell the server what it Showed.
  using MakeTls = std::function<std::shared_ptr<grpc::ChannelCredentials>(std::shared_ptr<DialledServer> server)>;

  RevocableCredentials(std::shared_ptr<const RevocationList> revoked, MakeTls make_tls)
      : revoked_(std::move(revoked)), make_tls_(std::move(make_tls)) {}

  bool Severed(const grpc::Channel& channel) const override;

 private:
  std::shared_ptr<grpc::Channel> CreateChannelImpl(const std::string& target, const grpc::ChannelArguments& arguments) override;
  grpc::SecureChannelCredentials* AsSecureCredentials() override { return nullptr; }  // Not to be composed with others.

  const std::shared_ptr<const RevocationList> revoked_;
  const MakeTls make_tls_;
  mutable std::mutex mutex_;
  std::map<const grpc::Channel*, std::weak_ptr<const DialledServer>> servers_;  // Of channels that live.
};

}  // namespace baleen

#endif  // BALEEN_SERVICES_COMMON_REVOCABLE_CREDENTIALS_H_
