// How soon the gateway refuses: many connections ask at once for what they will not get, while others are answered. The time is the 99th
// percentile of baleen_request_refusal_seconds, so measured inside the gateway; real sockets on loopback, a decode worker that answers at
// once.
#include <prometheus/registry.h>

#include <boost/asio/connect.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/beast/core.hpp>
#include <boost/beast/http.hpp>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "absl/strings/str_cat.h"
#include "benchmark/benchmark.h"
#include "services/gateway/http/http_server.h"
#include "services/gateway/probe.h"
#include "services/gateway/rest/rest_api.h"
#include "services/gateway/testing/scripted_decode.h"
#include "services/gateway/testing/tenants.h"

namespace baleen {
namespace {

namespace asio = boost::asio;
namespace http = boost::beast::http;

constexpr int kConnections = 64;
constexpr int kRequestsEach = 100;
constexpr char kChat[] = R"({"model":"abacus","messages":[{"role":"user","content":"What is 4821 + 1397?"}]})";

// What each connection asks for in turn.
struct Ask {
  const char* path;
  const char* body;
  const char* key;
};
constexpr Ask kAsks[] = {{"/v1/chat/completions", kChat, "unknown"},
                         {"/v1/chat/completions", kChat, "limited"},
                         {"/v1/chat/completions", R"({"model":"abacus","messages":[]})", "free"},
                         {"/v1/chat/completions", R"({"model":"other","messages":[{"role":"user","content":"2"}]})", "free"},
                         {"/v1/nothing", "", "free"},
                         {"/v1/chat/completions", kChat, "free"}};

// A gateway's REST side, closed to strangers, with a tenant whose limit is soon reached.
class Edge {
 public:
  Edge() : model_(*ServedModel::Load("checkpoints/abacus")), decode_({model_->tokenizer->Encode("a\n</think>\n\n4", AddedTokens::kMatch)}) {
    AddReadyWorker(&picker_);
    RestApiOptions options;
    options.model = model_.get();
    options.generation = {model_->tokenizer.get(), &decode_, &picker_};
    options.probe = &probe_;
    options.tenants = tenants_.get();
    api_ = std::make_unique<RestApi>(std::move(options));
  }

  absl::Status Start() { return http_.Start(); }
  int port() const { return http_.port(); }

  // The bound of the bucket that the quantile is in, in seconds; the last bound when it is beyond all.
  double RefusalQuantile(double quantile) {
    for (const prometheus::MetricFamily& family : registry_.Collect()) {
      if (family.name != "baleen_request_refusal_seconds") continue;
      const prometheus::ClientMetric::Histogram& histogram = family.metric.at(0).histogram;
      double bound = 0;
      for (const prometheus::ClientMetric::Bucket& bucket : histogram.bucket) {
        if (bucket.upper_bound < 1e9) bound = bucket.upper_bound;
        if (static_cast<double>(bucket.cumulative_count) >= quantile * static_cast<double>(histogram.sample_count)) return bound;
      }
    }
    return 0;
  }

 private:
  prometheus::Registry registry_;
  GatewayProbe probe_{registry_, "abacus"};
  WorkerPicker picker_;
  std::unique_ptr<ServedModel> model_;
  ScriptedDecode decode_;
  TenantsFile file_{{TenantJson("free", "free"), TenantJson("limited", "limited", R"("requests_per_min":1)")}};
  std::unique_ptr<TenantDirectory> tenants_ = file_.Open();
  std::unique_ptr<RestApi> api_;
  HttpServer http_{{}, [this](HttpRequest request, std::shared_ptr<HttpResponder> responder) { api_->Handle(request, responder); }};
};

// Asks kRequestsEach times over one connection; the number of answers 4xx.
int AskAround(int port, int first) {
  asio::io_context io;
  asio::ip::tcp::socket socket(io);
  socket.connect({asio::ip::address_v4::loopback(), static_cast<uint16_t>(port)});
  boost::beast::flat_buffer buffer;
  int refused = 0;
  for (int i = 0; i < kRequestsEach; ++i) {
    const Ask& ask = kAsks[static_cast<size_t>(first + i) % std::size(kAsks)];
    http::request<http::string_body> request{http::verb::post, ask.path, 11};
    request.set(http::field::host, "127.0.0.1");
    request.set(http::field::authorization, absl::StrCat("Bearer ", ask.key));
    request.body() = ask.body;
    request.prepare_payload();
    http::write(socket, request);
    http::response<http::string_body> response;
    http::read(socket, buffer, response);
    refused += response.result_int() >= 400 && response.result_int() < 500;
  }
  return refused;
}

void RefusalP99(benchmark::State& state) {
  for (auto _ : state) {
    Edge edge;
    if (!edge.Start().ok()) return state.SkipWithError("the server does not start");
    std::vector<std::thread> threads;
    std::vector<int> refused(kConnections);
    for (int i = 0; i < kConnections; ++i) {
      threads.emplace_back([&, i] { refused[static_cast<size_t>(i)] = AskAround(edge.port(), i); });
    }
    int total = 0;
    for (std::thread& thread : threads) thread.join();
    for (const int one : refused) total += one;
    if (total < kConnections * kRequestsEach / 2) return state.SkipWithError("too few requests were refused");
    state.SetIterationTime(edge.RefusalQuantile(0.99));
    state.counters["refused"] = total;
  }
}
BENCHMARK(RefusalP99)->UseManualTime()->Iterations(3)->Unit(benchmark::kMillisecond);

}  // namespace
}  // namespace baleen
