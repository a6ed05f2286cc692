// What all answers of the REST API have in common: the caller's limits and which pages may read them in their headers, and how soon
// refusals are given.
#ifndef BALEEN_SERVICES_GATEWAY_REST_EDGE_RESPONDER_H_
#define BALEEN_SERVICES_GATEWAY_REST_EDGE_RESPONDER_H_

#include <functional>
#include <memory>
#include <string>
#include <utility>

#include "absl/time/time.h"
#include "base/clock.h"
#include "services/gateway/http/http_server.h"
#include "services/gateway/http/origin_guard.h"
#include "services/gateway/probe.h"
#include "services/gateway/tenants/tenant_account.h"

namespace baleen {

// Adds x-ratelimit headers to an answer, as they are when it is given, lets a page of another origin read it, and times answers of 4xx.
class EdgeResponder final : public HttpResponder {
 public:
  // `probe` is unowned and outlives the answer.
  EdgeResponder(std::shared_ptr<HttpResponder> inner, GatewayProbe* probe) : inner_(std::move(inner)), probe_(probe) {}

  // All before the answer. The account's limits are shown; null = none.
  void ShowLimits(std::shared_ptr<TenantAccount> account) { account_ = std::move(account); }
  // Empty = with no page of another origin.
  void ShareWith(std::string origin) { origin_ = std::move(origin); }
  // Others are asked before it can be refused, so how soon that is says nothing of the gateway.
  void Untimed() { timed_ = false; }

  void Respond(int status, HttpHeaders headers, std::string body) override {
    if (timed_ && status >= 400 && status < 500) probe_->RefusedAfter(Clock::Real()->Now() - begun_);
    inner_->Respond(status, WithOwn(std::move(headers)), std::move(body));
  }
  void BeginStream(HttpHeaders headers) override { inner_->BeginStream(WithOwn(std::move(headers))); }
  void Write(std::string piece) override { inner_->Write(std::move(piece)); }
  void EndStream() override { inner_->EndStream(); }
  void OnDisconnect(std::function<void()> callback) override { inner_->OnDisconnect(std::move(callback)); }
  void OnBackpressure(std::function<void(bool slow)> callback) override { inner_->OnBackpressure(std::move(callback)); }
  void Every(absl::Duration interval, std::function<bool()> callback) override { inner_->Every(interval, std::move(callback)); }

 private:
  HttpHeaders WithOwn(HttpHeaders headers) const {
    if (!origin_.empty()) AddSharingHeaders(origin_, &headers);
    if (account_ == nullptr) return headers;
    for (auto& header : account_->LimitHeaders()) headers.push_back(std::move(header));
    return headers;
  }

  const std::shared_ptr<HttpResponder> inner_;
  GatewayProbe* const probe_;
  const absl::Time begun_ = Clock::Real()->Now();
  std::shared_ptr<TenantAccount> account_;
  std::string origin_;
  bool timed_ = true;
};

}  // namespace baleen

#endif  // BALEEN_SERVICES_GATEWAY_REST_EDGE_RESPONDER_H_
