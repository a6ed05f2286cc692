// An answer that says what is left of its tenant's limits.
#ifndef BALEEN_SERVICES_GATEWAY_REST_LIMITED_RESPONDER_H_
#define BALEEN_SERVICES_GATEWAY_REST_LIMITED_RESPONDER_H_

#include <functional>
#include <memory>
#include <string>
#include <utility>

#include "services/gateway/http/http_server.h"
#include "services/gateway/tenants/tenant_account.h"

namespace baleen {

// Adds x-ratelimit headers to an answer, as they are when it is given.
class LimitedResponder final : public HttpResponder {
 public:
  LimitedResponder(std::shared_ptr<HttpResponder> inner, std::shared_ptr<TenantAccount> account)
      : inner_(std::move(inner)), account_(std::move(account)) {}

  void Respond(int status, HttpHeaders headers, std::string body) override {
    inner_->Respond(status, WithLimits(std::move(headers)), std::move(body));
  }
  void BeginStream(HttpHeaders headers) override { inner_->BeginStream(WithLimits(std::move(headers))); }
  void Write(std::string piece) override { inner_->Write(std::move(piece)); }
  void EndStream() override { inner_->EndStream(); }
  void OnDisconnect(std::function<void()> callback) override { inner_->OnDisconnect(std::move(callback)); }
  void OnBackpressure(std::function<void(bool slow)> callback) override { inner_->OnBackpressure(std::move(callback)); }
  void Every(absl::Duration interval, std::function<bool()> callback) override { inner_->Every(interval, std::move(callback)); }

 private:
  HttpHeaders WithLimits(HttpHeaders headers) const {
    for (auto& header : account_->LimitHeaders()) headers.push_back(std::move(header));
    return headers;
  }

  const std::shared_ptr<HttpResponder> inner_;
  const std::shared_ptr<TenantAccount> account_;
};

}  // namespace baleen

#endif  // BALEEN_SERVICES_GATEWAY_REST_LIMITED_RESPONDER_H_
