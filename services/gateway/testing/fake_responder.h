// Keeps an HTTP answer for a test to look at.
#ifndef BALEEN_SERVICES_GATEWAY_TESTING_FAKE_RESPONDER_H_
#define BALEEN_SERVICES_GATEWAY_TESTING_FAKE_RESPONDER_H_

#include <functional>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "services/gateway/http/http_server.h"

namespace baleen {

// Thread-compatible.
class FakeResponder final : public HttpResponder {
 public:
  void Respond(int status_in, HttpHeaders headers_in, std::string body_in) override {
    if (status != 0) return;
    status = status_in;
    headers = std::move(headers_in);
    body = std::move(body_in);
    ended = true;
  }
  void BeginStream(HttpHeaders headers_in) override {
    if (status != 0) return;
    status = 200;
    headers = std::move(headers_in);
  }
  void Write(std::string piece) override {
    if (!ended) body += piece;
  }
  void EndStream() override { ended = true; }
  void OnDisconnect(std::function<void()> callback) override { disconnect = std::move(callback); }

  void OnBackpressure(std::function<void(bool)> callback) override { backpressure = std::move(callback); }

  void Every(absl::Duration, std::function<bool()> callback) override { every = std::move(callback); }

  // What a connection does when it ends: callbacks hold what answers, which holds the responder.
  void Close() {
    if (!ended && disconnect) disconnect();
    disconnect = nullptr;
    backpressure = nullptr;
    every = nullptr;
  }

  std::string Header(const std::string& name) const {
    for (const auto& [key, value] : headers) {
      if (key == name) return value;
    }
    return "";
  }

  int status = 0;  // 0 = unanswered.
  HttpHeaders headers;
  std::string body;
  bool ended = false;
  std::function<void()> disconnect;
  std::function<void(bool)> backpressure;
  std::function<bool()> every;
};

// Those of one test, whose connections end when it does.
class FakeResponders {
 public:
  FakeResponders() = default;
  FakeResponders(const FakeResponders&) = delete;
  FakeResponders& operator=(const FakeResponders&) = delete;
  ~FakeResponders() {
    for (const auto& made : made_) {
      if (const std::shared_ptr<FakeResponder> responder = made.lock()) responder->Close();
    }
  }

  std::shared_ptr<FakeResponder> Make() {
    auto responder = std::make_shared<FakeResponder>();
    made_.push_back(responder);
    return responder;
  }

 private:
  std::vector<std::weak_ptr<FakeResponder>> made_;  // Whoever answers keeps them.
};

}  // namespace baleen

#endif  // BALEEN_SERVICES_GATEWAY_TESTING_FAKE_RESPONDER_H_
