#include "services/common/call_guard.h"

#include <grpc/grpc.h>
#include <grpcpp/grpcpp.h>

#include <utility>

namespace baleen {
namespace {

using grpc::experimental::InterceptionHookPoints;
using grpc::experimental::Interceptor;
using grpc::experimental::InterceptorBatchMethods;
using grpc::experimental::ServerRpcInfo;

class GuardingInterceptor final : public Interceptor {
 public:
  GuardingInterceptor(std::shared_ptr<const CallGuard> guard, ServerRpcInfo* info) : guard_(std::move(guard)), info_(info) {}

  void Intercept(InterceptorBatchMethods* methods) override {
    if (methods->QueryInterceptionHookPoint(InterceptionHookPoints::POST_RECV_INITIAL_METADATA)) {
      const auto* metadata = methods->GetRecvInitialMetadata();
      const auto header = metadata->find("authorization");
      const std::string authorization = header == metadata->end() ? "" : std::string(header->second.data(), header->second.size());
      if (const absl::Status status = (*guard_)(info_->method(), authorization); !status.ok()) Refuse(status);
    }
    methods->Proceed();
  }

 private:
  // As ServerContext::TryCancel, which can say nothing but CANCELLED.
  void Refuse(const absl::Status& status) {
    const std::string message(status.message());
    grpc_call_cancel_with_status(info_->server_context()->c_call(), static_cast<grpc_status_code>(status.code()), message.c_str(), nullptr);
  }

  const std::shared_ptr<const CallGuard> guard_;
  ServerRpcInfo* const info_;
};

class GuardFactory final : public grpc::experimental::ServerInterceptorFactoryInterface {
 public:
  explicit GuardFactory(CallGuard guard) : guard_(std::make_shared<const CallGuard>(std::move(guard))) {}
  Interceptor* CreateServerInterceptor(ServerRpcInfo* info) override { return new GuardingInterceptor(guard_, info); }

 private:
  const std::shared_ptr<const CallGuard> guard_;
};

}  // namespace

std::unique_ptr<grpc::experimental::ServerInterceptorFactoryInterface> MakeCallGuard(CallGuard guard) {
  return std::make_unique<GuardFactory>(std::move(guard));
}

}  // namespace baleen
