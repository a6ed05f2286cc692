// Round trips of one hidden state of V3 (7168 BF16 values, 14,336 bytes) to another process, over gRPC and UCX. The counters are
// percentiles of single round trips, which say more than the mean does when others use the cores.
// awake: the next message goes out when the last one is back. asleep: both processes have gone to sleep before each.
// Wakeups has no message: two processes that sleep wake each other with a byte, which is what a round trip asleep costs at least.
#include <benchmark/benchmark.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <cstdlib>
#include <filesystem>
#include <memory>
#include <numeric>
#include <semaphore>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "transport/grpc/grpc_connector.h"
#include "transport/testing/child_process.h"
#include "transport/testing/echo_server.h"
#include "transport/ucx/ucx_connector.h"
#include "transport/ucx/ucx_worker.h"

namespace baleen {
namespace {

using Clock = std::chrono::steady_clock;

constexpr size_t kBytes = 14336;
// Longer than either end looks for more before it sleeps.
constexpr auto kPause = std::chrono::milliseconds(1);

std::string EchoServerPath() { return std::filesystem::read_symlink("/proc/self/exe").parent_path() / "testing/echo_server_main"; }

// One stream to the echoing process.
class Stream {
 public:
  Stream(Connector& connector, const std::string& address)
      : connection_(connector.Connect(address, kEchoMethod,
                                      {.on_message =
                                           [this](Message) {
                                             const Clock::time_point now = Clock::now();
                                             trips_us_.push_back(std::chrono::duration<double, std::micro>(now - sent_at_).count());
                                             if (--left_ > 0) {
                                               Send();
                                             } else {
                                               back_.release();
                                             }
                                           },
                                       .on_closed = [this](absl::Status) { closed_.release(); }})) {}
  ~Stream() {
    connection_->Close();
    closed_.acquire();
  }

  // Microseconds of each of `trips` round trips, each begun where the one before ends.
  std::vector<double> Run(int trips) {
    left_ = trips;
    Send();
    back_.acquire();
    return std::exchange(trips_us_, {});
  }

 private:
  void Send() {
    sent_at_ = Clock::now();
    if (!connection_->Send({"header", payload_}).ok()) std::abort();
  }

  const Payload payload_ = Payload::Own(std::vector<std::byte>(kBytes));
  int left_ = 0;
  Clock::time_point sent_at_;
  std::vector<double> trips_us_;
  std::binary_semaphore back_{0};
  std::binary_semaphore closed_{0};
  const std::shared_ptr<Connection> connection_;
};

// Of `run(trips)`, which gives the microseconds of each.
template <typename Run>
void MeasureTrips(benchmark::State& state, bool asleep, Run run) {
  std::vector<double> all;
  for (auto _ : state) {
    if (asleep) std::this_thread::sleep_for(kPause);
    const std::vector<double> trips = run(asleep ? 1 : 100);
    state.SetIterationTime(std::accumulate(trips.begin(), trips.end(), 0.0) / trips.size() * 1e-6);
    all.insert(all.end(), trips.begin(), trips.end());
  }
  std::sort(all.begin(), all.end());
  state.counters["p10_us"] = all[all.size() / 10];
  state.counters["p50_us"] = all[all.size() / 2];
  state.counters["p90_us"] = all[all.size() * 9 / 10];
}

void Measure(benchmark::State& state, Stream& stream, bool asleep) {
  stream.Run(100);
  MeasureTrips(state, asleep, [&](int trips) { return stream.Run(trips); });
}

// Over the kind of socket that UCX wakes by.
void BM_Wakeups(benchmark::State& state) {
  int ends[2];
  if (socketpair(AF_UNIX, SOCK_DGRAM, 0, ends) != 0) std::abort();
  const pid_t child = fork();
  if (child < 0) std::abort();
  char byte = 1;
  if (child == 0) {
    // A zero ends it.
    while (recv(ends[1], &byte, 1, 0) == 1 && byte != 0) (void)send(ends[1], &byte, 1, 0);
    _exit(0);
  }
  MeasureTrips(state, true, [&](int) {
    const Clock::time_point begin = Clock::now();
    if (send(ends[0], &byte, 1, 0) != 1 || recv(ends[0], &byte, 1, 0) != 1) std::abort();
    return std::vector<double>{std::chrono::duration<double, std::micro>(Clock::now() - begin).count()};
  });
  byte = 0;
  (void)send(ends[0], &byte, 1, 0);
  waitpid(child, nullptr, 0);
  close(ends[0]);
  close(ends[1]);
}

void BM_Grpc(benchmark::State& state) {
  ChildProcess server({EchoServerPath()});
  GrpcConnector connector;
  Stream stream(connector, server.ReadLine());
  Measure(state, stream, state.range(0) != 0);
}

void BM_Ucx(benchmark::State& state, const char* devices) {
  ChildProcess server({EchoServerPath(), devices});
  const auto worker = UcxWorker::Create({.devices = devices}).value();
  GrpcConnector grpc;
  int fallbacks = 0;
  UcxConnector connector(worker.get(), &grpc, {.on_fallback = [&](const std::string&, const absl::Status&) { ++fallbacks; }});
  Stream stream(connector, server.ReadLine());
  Measure(state, stream, state.range(0) != 0);
  if (fallbacks > 0) state.SkipWithError("fell back to gRPC");
}

void Shape(benchmark::internal::Benchmark* bench) {
  bench->ArgName("asleep")->Arg(0)->Arg(1)->Unit(benchmark::kMicrosecond)->UseManualTime();
  bench->Iterations(300);
}

BENCHMARK(BM_Wakeups)->Unit(benchmark::kMicrosecond)->UseManualTime()->Iterations(300);
BENCHMARK(BM_Grpc)->Apply(Shape);
BENCHMARK_CAPTURE(BM_Ucx, shared_memory, "sm")->Apply(Shape);
BENCHMARK_CAPTURE(BM_Ucx, tcp, "lo")->Apply(Shape);

}  // namespace
}  // namespace baleen
