// What the gateway costs and adds when it passes many streams on: the real gateway and placement, a stub decode worker whose tokens cost
// nothing, and clients on one thread. bazel run //tools/bench/streams (-- --read_nothing: what clients cost that do not read)
#include <grpcpp/grpcpp.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>

#include <algorithm>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/flags/flag.h"
#include "absl/flags/parse.h"
#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "absl/time/time.h"
#include "model/tokenizer/tokenizer.h"
#include "services/placement/placement_client.h"
#include "tools/bench/streams/child.h"
#include "tools/bench/streams/plain_http.h"
#include "tools/bench/streams/sse_clients.h"
#include "tools/bench/streams/stub_decode.h"

ABSL_FLAG(int, streams, 1000, "streams at a time");
ABSL_FLAG(double, rate, 2000, "tokens a second of all streams together");
ABSL_FLAG(int, seconds, 20, "of measuring under load");
ABSL_FLAG(bool, read_nothing, false, "measure only what the gateway keeps for streams whose clients read nothing, at any rate");

namespace baleen {
namespace {

constexpr char kModel[] = "checkpoints/abacus";
constexpr int kAloneTokens = 200;
constexpr double kAloneRate = 40;
constexpr int kWarmUp = 64;
constexpr int kRefusals = 2000;
constexpr absl::Duration kPatience = absl::Minutes(2);
constexpr double kFullRate = 100'000;                  // As fast as clients are able to make the gateway stop reading.
constexpr int kLongAnswer = 2000;                      // As much as the model has positions for beside the prompt.
constexpr absl::Duration kSettled = absl::Seconds(2);  // So long without a token: nothing takes one any more.

template <typename Condition>
void WaitFor(const char* what, Condition condition) {
  const absl::Time until = absl::Now() + kPatience;
  while (!condition()) {
    if (absl::Now() > until) {
      fprintf(stderr, "gave up waiting for %s\n", what);
      exit(EXIT_FAILURE);
    }
    absl::SleepFor(absl::Milliseconds(20));
  }
}

// Times of rows [from, from + count) on their way through the gateway, ascending, in milliseconds.
std::vector<double> Passages(const TokenTimes& sent, const TokenTimes& received, size_t from, size_t count) {
  std::vector<double> passages;
  for (size_t row = from; row < from + count; ++row) {
    for (size_t token = 0; token < sent.tokens(); ++token) {
      const int64_t out = sent.At(row, token), in = received.At(row, token);
      if (out != 0 && in != 0) passages.push_back(static_cast<double>(in - out) / 1e6);
    }
  }
  std::sort(passages.begin(), passages.end());
  return passages;
}

double Quantile(const std::vector<double>& ascending, double share) {
  if (ascending.empty()) return 0;
  return ascending[std::min(ascending.size() - 1, static_cast<size_t>(share * static_cast<double>(ascending.size())))];
}

void PrintPassages(const char* when, const std::vector<double>& passages) {
  printf("token passes the gateway, %s: p50 %.2f ms, p99 %.2f ms, max %.2f ms (%zu tokens)\n", when, Quantile(passages, 0.5),
         Quantile(passages, 0.99), passages.empty() ? 0 : passages.back(), passages.size());
}

// A gateway whose only worker is the stub.
class Bench {
 public:
  Bench()
      : streams_(absl::GetFlag(FLAGS_streams)),
        tokens_(absl::GetFlag(FLAGS_read_nothing)
                    ? kLongAnswer
                    : static_cast<int>(absl::GetFlag(FLAGS_rate) / streams_ * (absl::GetFlag(FLAGS_seconds) + 120)) + 1),
        sent_(static_cast<size_t>(kWarmUp + 1 + streams_), static_cast<size_t>(std::max(tokens_, kAloneTokens))),
        received_(sent_.requests(), sent_.tokens()),
        stub_(Digits(), &sent_) {
    grpc::ServerBuilder builder;
    builder.AddChannelArgument(GRPC_ARG_HTTP2_MAX_PING_STRIKES, 0);  // As the services do: clients ping several times a second.
    builder.AddListeningPort("127.0.0.1:0", grpc::InsecureServerCredentials(), &stub_port_);
    builder.RegisterService(&stub_);
    server_ = builder.BuildAndStart();
    PlacementClientOptions worker;
    worker.address = placement_address_;
    worker.worker.set_worker_id("stub");
    worker.worker.set_role(v1::ROLE_DECODE);
    worker.worker.set_address(absl::StrCat("127.0.0.1:", stub_port_));
    worker.worker.set_model_id("abacus");
    worker.worker.set_numerics_id("stub");
    worker.worker.set_kv_capacity_tokens(uint64_t{1} << 40);
    worker.report = [](v1::HeartbeatRequest* heartbeat) { heartbeat->set_ready(true); };
    worker_ = std::make_unique<PlacementClient>(std::move(worker));
    WaitFor("the gateway", [this] { return StatusOf(PlainGet(rest_port_, "/readyz")) == 200; });
  }

  ~Bench() {
    stub_.SetRate(0);
    server_->Shutdown(std::chrono::system_clock::now());
  }

  void Run() {
    SseClients clients(rest_port_, &received_);
    WarmUp(clients);
    if (absl::GetFlag(FLAGS_read_nothing)) {
      PrintMemory([&] { Unread(clients); });
    } else {
      Alone(clients);
      PrintMemory([&] { UnderLoad(clients); });
    }
    if (clients.failed() == 0) return;
    fprintf(stderr, "%lld streams failed\n", static_cast<long long>(clients.failed()));
    exit(EXIT_FAILURE);
  }

 private:
  // `load` begins the streams and leaves loaded_bytes_.
  template <typename Load>
  void PrintMemory(Load load) {
    const int64_t before = gateway_.ResidentBytes();
    load();
    printf("memory per stream: %.1f KiB (gateway %.1f MiB before, %.1f MiB with %d streams)\n",
           static_cast<double>(loaded_bytes_ - before) / 1024 / streams_, static_cast<double>(before) / (1 << 20),
           static_cast<double>(loaded_bytes_) / (1 << 20), streams_);
  }

  static std::vector<uint32_t> Digits() {
    const auto tokenizer = Tokenizer::Load(kModel);
    if (!tokenizer.ok()) {
      fprintf(stderr, "%s\n", tokenizer.status().ToString().c_str());
      exit(EXIT_FAILURE);
    }
    const std::vector<int32_t> ids = (*tokenizer)->Encode("1234567890", AddedTokens::kText);
    return {ids.begin(), ids.end()};
  }

  // First uses of everything are no stream's cost.
  void WarmUp(SseClients& clients) {
    stub_.SetRate(2000);
    clients.Start(0, kWarmUp, 20);
    WaitFor("the first streams", [&] { return clients.ended() + clients.failed() == kWarmUp; });
  }

  void Alone(SseClients& clients) {
    stub_.SetRate(kAloneRate);
    clients.Start(kWarmUp, 1, kAloneTokens);
    WaitFor("the stream alone", [&] { return clients.ended() + clients.failed() == kWarmUp + 1; });
    PrintPassages("one stream", Passages(sent_, received_, kWarmUp, 1));
  }

  // Until the worker cannot give another token, because nobody reads one.
  void Unread(SseClients& clients) {
    stub_.SetRate(kFullRate);
    clients.Start(kWarmUp + 1, streams_, tokens_, SseClients::Reads::kNothing);
    WaitFor("the streams", [&] { return stub_.running() == streams_; });
    int64_t given = -1;
    WaitFor("the gateway to read no more", [&] {
      absl::SleepFor(kSettled);
      return std::exchange(given, sent_.noted()) == sent_.noted();
    });
    loaded_bytes_ = gateway_.ResidentBytes();
    printf("nothing read: the worker gave %.0f of %d tokens a stream\n", static_cast<double>(given - kWarmUp * 20) / streams_, tokens_);
  }

  void UnderLoad(SseClients& clients) {
    stub_.SetRate(absl::GetFlag(FLAGS_rate));
    clients.Start(kWarmUp + 1, streams_, tokens_);
    WaitFor("the streams", [&] { return stub_.running() == streams_; });
    WaitFor("their first tokens", [&] {
      int begun = 0;
      for (int i = 0; i < streams_; ++i) begun += received_.At(static_cast<size_t>(kWarmUp + 1 + i), 0) != 0;
      return begun == streams_;
    });
    const double cpu = gateway_.CpuSeconds();
    const int64_t tokens = received_.noted();
    const absl::Time began = absl::Now();
    absl::SleepFor(absl::Seconds(absl::GetFlag(FLAGS_seconds)));
    const double seconds = absl::ToDoubleSeconds(absl::Now() - began);
    const double used = gateway_.CpuSeconds() - cpu;
    loaded_bytes_ = gateway_.ResidentBytes();
    printf("gateway: %.1f%% of one core at %.0f tokens/s in %d streams\n", 100 * used / seconds,
           static_cast<double>(received_.noted() - tokens) / seconds, streams_);
    PrintPassages("all streams", Passages(sent_, received_, kWarmUp + 1, static_cast<size_t>(streams_)));
    const int refused = AskForRefusals(rest_port_, kRefusals);
    printf("refusal inside the gateway, all streams running: p99 at most %.1f ms (%d requests)\n",
           1000 * RefusalQuantile(PlainGet(metrics_port_, "/metrics"), 0.99), refused);
  }

  const int streams_;
  const int tokens_;  // More than there is time for.
  TokenTimes sent_;
  TokenTimes received_;
  StubDecode stub_;
  int stub_port_ = 0;
  std::unique_ptr<grpc::Server> server_;
  const int placement_port_ = FreePort();
  const int rest_port_ = FreePort();
  const int metrics_port_ = FreePort();
  const std::string placement_address_ = absl::StrCat("127.0.0.1:", placement_port_);
  Child placement_{{"services/placement/baleen-placement", absl::StrCat("--grpc_port=", placement_port_), "--expected_shards=1"}};
  Child gateway_{{"services/gateway/baleen-gateway", absl::StrCat("--model=", kModel), absl::StrCat("--placement=", placement_address_),
                  absl::StrCat("--rest_port=", rest_port_), absl::StrCat("--metrics_port=", metrics_port_)}};
  std::unique_ptr<PlacementClient> worker_;
  int64_t loaded_bytes_ = 0;
};

// A stream is a socket here and one in the gateway.
void AllowManyFiles() {
  rlimit limit = {};
  getrlimit(RLIMIT_NOFILE, &limit);
  limit.rlim_cur = limit.rlim_max;
  setrlimit(RLIMIT_NOFILE, &limit);
}

}  // namespace
}  // namespace baleen

int main(int argc, char** argv) {
  absl::ParseCommandLine(argc, argv);
  setvbuf(stdout, nullptr, _IOLBF, 0);
  baleen::AllowManyFiles();
  baleen::Bench().Run();
  return EXIT_SUCCESS;
}
