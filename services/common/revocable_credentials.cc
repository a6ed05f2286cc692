#include "services/common/revocable_credentials.h"

#include <grpcpp/client_context.h>
#include <grpcpp/create_channel.h>
#include <grpcpp/support/client_interceptor.h>

#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "services/common/log.h"

namespace baleen {
namespace {

using grpc::experimental::ClientRpcInfo;
using grpc::experimental::InterceptionHookPoints;
using grpc::experimental::Interceptor;
using grpc::experimental::InterceptorBatchMethods;

class Tracker final : public Interceptor {
 public:
  Tracker(std::shared_ptr<DialledServer> server, ClientRpcInfo* info) : server_(std::move(server)), info_(info) {}
  ~Tracker() override {
    if (call_ != nullptr) server_->End(call_);
  }

  void Intercept(InterceptorBatchMethods* methods) override {
    if (methods->QueryInterceptionHookPoint(InterceptionHookPoints::PRE_SEND_INITIAL_METADATA)) {
      call_ = info_->client_context()->c_call();
      server_->Begin(call_);
    }
    methods->Proceed();
  }

 private:
  const std::shared_ptr<DialledServer> server_;
  ClientRpcInfo* const info_;
  grpc_call* call_ = nullptr;
};

// Lives as long as its channel.
class TrackerFactory final : public grpc::experimental::ClientInterceptorFactoryInterface {
 public:
  explicit TrackerFactory(std::shared_ptr<DialledServer> server) : server_(std::move(server)) {}
  Interceptor* CreateClientInterceptor(ClientRpcInfo* info) override { return new Tracker(server_, info); }

 private:
  const std::shared_ptr<DialledServer> server_;
};

}  // namespace

void DialledServer::Showed(absl::string_view certificate) {
  const std::lock_guard<std::mutex> lock(mutex_);
  certificate_ = std::string(certificate);
}

void DialledServer::Begin(grpc_call* call) {
  calls_.Add(call, "");
  if (severed_) CutAll();
}

size_t DialledServer::CutAll() const {
  return calls_.Cut([](const std::string&) { return true; });
}

void DialledServer::OnRevocations(const RevocationList& list) {
  {
    const std::lock_guard<std::mutex> lock(mutex_);
    if (severed_ || certificate_.empty() || !list.Revoked(certificate_)) return;
  }
  severed_ = true;  // Before the cut: what begins meanwhile sees it.
  Log(LogLevel::kWarning, "revoked_server_left", {{"address", address_}, {"calls", absl::StrCat(CutAll())}});
}

bool RevocableCredentials::Severed(const grpc::Channel& channel) const {
  const std::lock_guard<std::mutex> lock(mutex_);
  const auto it = servers_.find(&channel);
  const std::shared_ptr<const DialledServer> server = it == servers_.end() ? nullptr : it->second.lock();
  return server != nullptr && server->severed();
}

std::shared_ptr<grpc::Channel> RevocableCredentials::CreateChannelImpl(const std::string& target, const grpc::ChannelArguments& arguments) {
  const auto server = std::make_shared<DialledServer>(target);
  revoked_->Observe(server);
  std::vector<std::unique_ptr<grpc::experimental::ClientInterceptorFactoryInterface>> interceptors;
  interceptors.push_back(std::make_unique<TrackerFactory>(server));
  auto channel = grpc::experimental::CreateCustomChannelWithInterceptors(target, make_tls_(server), arguments, std::move(interceptors));
  const std::lock_guard<std::mutex> lock(mutex_);
  std::erase_if(servers_, [](const auto& entry) { return entry.second.expired(); });
  servers_[channel.get()] = server;
  return channel;
}

}  // namespace baleen
