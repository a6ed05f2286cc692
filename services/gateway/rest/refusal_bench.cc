// How soon the gateway refuses, and at what cost; real sockets on loopback, a decode worker that answers at once.
//
// RefusalP99: many connections ask at once for what they will not get, while others are answered. The time is the 99th percentile of
// baleen_request_refusal_seconds, so measured inside the gateway.
//
// RefusalCpu: requests come to a full cluster, with prompts of so many bytes. The time is CPU time, the kernel's part included, of all
// threads but the clients', a refusal.
#include <prometheus/registry.h>
#include <time.h>

#include <atomic>
#include <boost/asio/connect.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/beast/core.hpp>
#include <boost/beast/http.hpp>
#include <memory>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "benchmark/benchmark.h"
#include "services/gateway/admission/admission.h"
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
  explicit Edge(Admission* admission = nullptr)
      : model_(*ServedModel::Load("checkpoints/abacus")), decode_({model_->tokenizer->Encode("a\n</think>\n\n4", AddedTokens::kMatch)}) {
    AddReadyWorker(&picker_);
    RestApiOptions options;
    options.model = model_.get();
    options.generation = {model_->tokenizer.get(), &decode_, &picker_};
    options.generation.admission = admission;
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
  HttpServer http_{{},
                   [this](HttpRequest request, std::shared_ptr<HttpResponder> responder) { api_->Handle(std::move(request), responder); }};
};

class Client {
 public:
  explicit Client(int port) { socket_.connect({asio::ip::address_v4::loopback(), static_cast<uint16_t>(port)}); }

  // The answer's status.
  unsigned Send(const Ask& ask) {
    http::request<http::string_body> request{http::verb::post, ask.path, 11};
    request.set(http::field::host, "127.0.0.1");
    request.set(http::field::authorization, absl::StrCat("Bearer ", ask.key));
    request.body() = ask.body;
    request.prepare_payload();
    http::write(socket_, request);
    http::response<http::string_body> response;
    http::read(socket_, buffer_, response);
    return response.result_int();
  }

 private:
  asio::io_context io_;
  asio::ip::tcp::socket socket_{io_};
  boost::beast::flat_buffer buffer_;
};

// Asks kRequestsEach times over one connection; the number of answers 4xx.
int AskAround(int port, int first) {
  Client client(port);
  int refused = 0;
  for (int i = 0; i < kRequestsEach; ++i) {
    const unsigned status = client.Send(kAsks[static_cast<size_t>(first + i) % std::size(kAsks)]);
    refused += status >= 400 && status < 500;
  }
  return refused;
}

double CpuSeconds(clockid_t clock) {
  timespec time{};
  clock_gettime(clock, &time);
  return static_cast<double>(time.tv_sec) + 1e-9 * static_cast<double>(time.tv_nsec);
}

// A cluster with one place, which is taken for ever after it was taken for some milliseconds: nobody else is expected to get it in time.
class FullCluster {
 public:
  FullCluster() {
    const auto nothing = [](absl::Status) {};
    const uint64_t first = admission_.NewTicket();
    admission_.Enter(first, {"first", 128}, nothing);
    absl::SleepFor(absl::Milliseconds(20));
    admission_.Leave(first);
    admission_.Enter(admission_.NewTicket(), {"second", 128}, nothing);
  }
  Admission* admission() { return &admission_; }

 private:
  static AdmissionLimits Limits() {
    AdmissionLimits limits;
    limits.running.sequences = 1;
    limits.max_expected_wait = absl::ZeroDuration();
    return limits;
  }

  prometheus::Registry registry_;
  Admission admission_{Limits(), Clock::Real(), &registry_};
};

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

void RefusalCpu(benchmark::State& state) {
  constexpr int kClients = 8;
  const std::string body = absl::StrCat(R"({"model":"abacus","prompt":")", std::string(static_cast<size_t>(state.range(0)), '7'),
                                        R"(","max_tokens":96,"temperature":0,"ignore_eos":true,"stream":true})");
  const Ask ask = {"/v1/completions", body.c_str(), "free"};
  for (auto _ : state) {
    FullCluster cluster;
    Edge edge(cluster.admission());
    if (!edge.Start().ok()) return state.SkipWithError("the server does not start");
    std::atomic<int> refused = 0;
    std::atomic<double> clients_s = 0;
    const double begun = CpuSeconds(CLOCK_PROCESS_CPUTIME_ID);
    std::vector<std::thread> threads;
    for (int i = 0; i < kClients; ++i) {
      threads.emplace_back([&] {
        Client client(edge.port());
        for (int request = 0; request < kRequestsEach; ++request) refused += client.Send(ask) == 503;
        clients_s += CpuSeconds(CLOCK_THREAD_CPUTIME_ID);
      });
    }
    for (std::thread& thread : threads) thread.join();
    if (refused != kClients * kRequestsEach) return state.SkipWithError("not all were refused");
    state.SetIterationTime((CpuSeconds(CLOCK_PROCESS_CPUTIME_ID) - begun - clients_s) / refused);
  }
}
BENCHMARK(RefusalCpu)->Arg(30)->Arg(1 << 10)->UseManualTime()->Iterations(10)->Unit(benchmark::kMicrosecond);

BENCHMARK(RefusalP99)->UseManualTime()->Iterations(3)->Unit(benchmark::kMillisecond);

}  // namespace
}  // namespace baleen
