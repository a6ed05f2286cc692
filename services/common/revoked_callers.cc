#include "services/common/revoked_callers.h"

#include <grpc/grpc_security_constants.h>
#include <grpcpp/grpcpp.h>

#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "services/common/cuttable_calls.h"
#include "services/common/log.h"

namespace baleen {
namespace {

using grpc::experimental::InterceptionHookPoints;
using grpc::experimental::Interceptor;
using grpc::experimental::InterceptorBatchMethods;
using grpc::experimental::ServerRpcInfo;

// A server's calls. Thread-safe.
class Callers final : public RevocationObserver {
 public:
  void Begin(grpc_call* call, std::string certificate, const RevocationList& revoked) {
    calls_.Add(call, certificate);
    // It was let in by the list of a moment ago.
    if (revoked.Revoked(certificate)) OnRevocations(revoked);
  }
  void End(grpc_call* call) { calls_.Remove(call); }

  void OnRevocations(const RevocationList& list) override {
    const size_t cut = calls_.Cut([&list](const std::string& certificate) { return list.Revoked(certificate); });
    if (cut > 0) Log(LogLevel::kWarning, "revoked_callers_cut", {{"calls", absl::StrCat(cut)}});
  }

 private:
  CuttableCalls calls_{GRPC_STATUS_UNAUTHENTICATED, "this certificate has been revoked"};
};

class Tracker final : public Interceptor {
 public:
  Tracker(std::shared_ptr<const RevocationList> revoked, std::shared_ptr<Callers> callers, ServerRpcInfo* info)
      : revoked_(std::move(revoked)), callers_(std::move(callers)), info_(info) {}
  ~Tracker() override {
    if (call_ != nullptr) callers_->End(call_);
  }

  void Intercept(InterceptorBatchMethods* methods) override {
    if (methods->QueryInterceptionHookPoint(InterceptionHookPoints::POST_RECV_INITIAL_METADATA)) Begin(*info_->server_context());
    methods->Proceed();
  }

 private:
  void Begin(grpc::ServerContextBase& context) {
    const auto certificates = context.auth_context()->FindPropertyValues(GRPC_X509_PEM_CERT_PROPERTY_NAME);
    if (certificates.size() != 1) return;
    call_ = context.c_call();
    callers_->Begin(call_, std::string(certificates[0].data(), certificates[0].size()), *revoked_);
  }

  const std::shared_ptr<const RevocationList> revoked_;
  const std::shared_ptr<Callers> callers_;
  ServerRpcInfo* const info_;
  grpc_call* call_ = nullptr;
};

class TrackerFactory final : public grpc::experimental::ServerInterceptorFactoryInterface {
 public:
  explicit TrackerFactory(std::shared_ptr<const RevocationList> revoked) : revoked_(std::move(revoked)) { revoked_->Observe(callers_); }
  Interceptor* CreateServerInterceptor(ServerRpcInfo* info) override { return new Tracker(revoked_, callers_, info); }

 private:
  const std::shared_ptr<const RevocationList> revoked_;
  const std::shared_ptr<Callers> callers_ = std::make_shared<Callers>();
};

}  // namespace

std::unique_ptr<grpc::experimental::ServerInterceptorFactoryInterface> CutRevokedCallers(std::shared_ptr<const RevocationList> revoked) {
  return std::make_unique<TrackerFactory>(std::move(revoked));
}

}  // namespace baleen
