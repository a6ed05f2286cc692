// What a layer's experts cost: the router's round trip to shards that compute nothing, or with --compute=device experts of random weights
// on the GPU, against a raw echo of the same bytes to as many processes, in turn. One line of JSON: {"transport": .., "compute": ..,
// "shapes":
// [{"rows": .., "experts": wanted ones, "bytes_out": .., "bytes_back": .., "raw_us": [..], "layer_us": [..], "local_us": [..]}]}, with the
// median of a round's trips for each round; local_us (of --compute=device) is the same batch computed in a process, copies included, while
// the others rest. Exit codes: 0 done, 1 failed, 2 wrong arguments.
#include <algorithm>
#include <chrono>
#include <cstring>
#include <filesystem>
#include <iostream>
#include <memory>
#include <numeric>
#include <optional>
#include <random>
#include <semaphore>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "absl/flags/flag.h"
#include "absl/flags/parse.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/time/clock.h"
#include "base/clock.h"
#include "base/status_macros.h"
#include "kernels/cuda/base/device.h"
#include "model/cuda/expert_slab.h"
#include "proto/baleen/v1/placement.pb.h"
#include "services/expert/expert_service.h"
#include "services/router/router.h"
#include "tools/bench/random_experts.h"
#include "transport/grpc/grpc_connector.h"
#include "transport/limits.h"
#include "transport/testing/child_process.h"
#include "transport/testing/echo_server.h"
#include "transport/ucx/ucx_connector.h"
#include "transport/ucx/ucx_worker.h"

ABSL_FLAG(std::string, transport, "grpc", "grpc or ucx (shared memory)");
ABSL_FLAG(std::vector<std::string>, rows, (std::vector<std::string>{"1", "16", "512"}), "rows of a layer's batch");
ABSL_FLAG(int64_t, hidden, 2048, "values of a row, in BF16");
ABSL_FLAG(int, experts, 32, "of the layer, as many on each shard");
ABSL_FLAG(int, shards, 2, "1 to 8");
ABSL_FLAG(std::string, compute, "none", "none, or device: FP8 experts on the GPU, or on its emulation where the build has no CUDA");
ABSL_FLAG(int64_t, inner, 1024, "of an expert, with --compute=device");
ABSL_FLAG(int, top_k, 4, "experts of a row");
ABSL_FLAG(int, rounds, 5, "rounds");
ABSL_FLAG(int, trips, 30, "trips of a round, of each kind");
ABSL_FLAG(std::string, serve, "", "for the processes that this one starts: raw or shard");

namespace baleen {
namespace {

constexpr int kLayer = 1;
constexpr char kNumerics[] = "bench";
constexpr int64_t kPage = 4096;

int Fail(int code, absl::string_view message) {
  std::cerr << "layer_overhead: " << message << "\n";
  return code;
}

// Makes the outputs' memory real, as a computation does, and nothing else.
class NoExperts final : public HeldExperts {
 public:
  explicit NoExperts(int64_t row_bytes) : row_bytes_(row_bytes) {}
  bool Has(int, uint32_t) const override { return true; }
  size_t size() const override { return 0; }
  absl::Status Compute(int, absl::Span<const ExpertSlot> slots) const override {
    for (const ExpertSlot& slot : slots) {
      for (int64_t at = 0; at < row_bytes_; at += kPage) slot.output[at] = slot.input[at];
    }
    return absl::OkStatus();
  }

 private:
  const int64_t row_bytes_;
};

// Answers each message with as many bytes as its header says.
AcceptFunction RawAnswers() {
  const auto bytes = std::make_shared<std::vector<std::byte>>(kMaxPayloadBytes / 2, std::byte{1});
  return [bytes](std::shared_ptr<Connection> connection) {
    return StreamHandlers{.on_message =
                              [bytes, connection](const Message& message) {
                                size_t size = 0;
                                if (!absl::SimpleAtoi(message.header, &size) || size > bytes->size()) return connection->Close();
                                (void)connection->Send({"answer", {bytes, bytes->data(), size}});
                              },
                          .on_closed = nullptr};
  };
}

bool OnDevice() { return absl::GetFlag(FLAGS_compute) == "device"; }

int ShardOf(int expert) { return expert * absl::GetFlag(FLAGS_shards) / absl::GetFlag(FLAGS_experts); }

absl::StatusOr<std::shared_ptr<const HeldExperts>> MakeExperts() {
  const int64_t hidden = absl::GetFlag(FLAGS_hidden);
  if (!OnDevice()) return std::make_shared<NoExperts>(hidden * 2);
  if (const std::string problem = cuda::DeviceProblem(); !problem.empty()) return absl::FailedPreconditionError(problem);
  const ExpertFormat format{DType::kF8E4m3, hidden, absl::GetFlag(FLAGS_inner)};
  return RandomExperts::Make(format, absl::GetFlag(FLAGS_experts), ExpertServiceOptions().max_merged_slots);
}

int Serve(const std::string& what, const std::string& ucx_devices) {
  ExpertServiceOptions options;
  options.shape = {
      .hidden = absl::GetFlag(FLAGS_hidden), .experts = absl::GetFlag(FLAGS_experts), .dtype = DType::kBf16, .numerics_id = kNumerics};
  ExpertService shard(options, Clock::Real(), nullptr);
  if (what != "raw") {
    auto experts = MakeExperts();
    if (!experts.ok()) return Fail(1, experts.status().ToString());
    shard.SetExperts(*std::move(experts));
  }
  const AcceptFunction accept = what == "raw" ? RawAnswers() : [&](std::shared_ptr<Connection> c) { return shard.Accept(std::move(c)); };
  const EchoServer server(ucx_devices, accept);
  std::cout << server.address() << std::endl;
  while (std::cin.get() != std::char_traits<char>::eof()) {
  }
  return 0;
}

double MicrosecondsSince(absl::Time start) { return absl::ToDoubleMicroseconds(absl::Now() - start); }

double Median(std::vector<double> values) {
  std::nth_element(values.begin(), values.begin() + static_cast<ptrdiff_t>(values.size() / 2), values.end());
  return values[values.size() / 2];
}

// A layer's rows, and what they make each shard send and receive.
struct Batch {
  Batch(int64_t rows, int64_t hidden, int experts, int top_k, uint32_t seed)
      : input(static_cast<size_t>(rows * hidden)),
        out(static_cast<size_t>(absl::GetFlag(FLAGS_shards))),
        back(static_cast<size_t>(absl::GetFlag(FLAGS_shards))) {
    std::mt19937 random(seed);
    for (Bf16& value : input) value = F32ToBf16(static_cast<float>(random() % 2001) * 1e-3f - 1);
    std::vector<int32_t> all(static_cast<size_t>(experts));
    std::iota(all.begin(), all.end(), 0);
    for (int64_t row = 0; row < rows; ++row) {
      std::shuffle(all.begin(), all.end(), random);
      std::sort(all.begin(), all.begin() + top_k);
      ids.insert(ids.end(), all.begin(), all.begin() + top_k);
      std::vector<bool> goes(out.size());
      for (int k = 0; k < top_k; ++k) {
        const auto shard = static_cast<size_t>(ShardOf(all[static_cast<size_t>(k)]));
        goes[shard] = true;
        back[shard] += hidden * 2;
      }
      for (size_t shard = 0; shard < out.size(); ++shard) out[shard] += goes[shard] ? hidden * 2 : 0;
    }
    wanted = static_cast<int>(std::set<int32_t>(ids.begin(), ids.end()).size());
    outputs.resize(ids.size());
    spec.layer = kLayer;
    spec.rows = rows;
    spec.hidden = hidden;
    spec.top_k = top_k;
    spec.input = reinterpret_cast<const std::byte*>(input.data());
    spec.expert_ids = ids.data();
    spec.outputs = outputs.data();
  }

  int64_t bytes_out() const { return std::accumulate(out.begin(), out.end(), int64_t{0}); }
  int64_t bytes_back() const { return std::accumulate(back.begin(), back.end(), int64_t{0}); }

  std::vector<Bf16> input;
  std::vector<int32_t> ids;
  std::vector<const std::byte*> outputs;
  ExpertBatch spec;
  int wanted = 0;            // Experts.
  std::vector<int64_t> out;  // By shard.
  std::vector<int64_t> back;
};

// Streams to the processes that only answer.
class RawStreams {
 public:
  RawStreams(Connector& connector, const std::vector<std::string>& addresses) {
    for (const std::string& address : addresses) {
      streams_.push_back(connector.Connect(
          address, kEchoMethod,
          {.on_message = [this](const Message&) { back_.release(); }, .on_closed = [this](absl::Status) { closed_.release(); }}));
    }
  }
  ~RawStreams() {
    for (const auto& stream : streams_) stream->Close();
    for (size_t i = 0; i < streams_.size(); ++i) closed_.acquire();
  }

  absl::Status Trip(const Batch& batch) {
    int sent = 0;
    for (size_t shard = 0; shard < streams_.size(); ++shard) {
      if (batch.out[shard] == 0) continue;
      const Payload payload{nullptr, batch.spec.input, static_cast<size_t>(batch.out[shard])};
      RETURN_IF_ERROR(streams_[shard]->Send({absl::StrCat(batch.back[shard]), payload}));
      ++sent;
    }
    for (; sent > 0; --sent) {
      if (!back_.try_acquire_for(std::chrono::seconds(10))) return absl::DeadlineExceededError("no answer within 10 s");
    }
    return absl::OkStatus();
  }

 private:
  std::vector<std::shared_ptr<Connection>> streams_;
  std::counting_semaphore<> back_{0};
  std::counting_semaphore<> closed_{0};
};

std::shared_ptr<const v1::ClusterMap> MapOf(const std::vector<std::string>& addresses, int experts) {
  auto map = std::make_shared<v1::ClusterMap>();
  map->set_epoch(1);
  for (int shard = 0; shard < absl::GetFlag(FLAGS_shards); ++shard) {
    v1::Worker* worker = map->add_workers();
    worker->mutable_info()->set_worker_id(absl::StrCat("shard-", shard));
    worker->mutable_info()->set_address(addresses[static_cast<size_t>(shard)]);
    worker->mutable_info()->set_role(v1::ROLE_EXPERT);
    worker->mutable_info()->set_numerics_id(kNumerics);
    v1::ExpertRange* range = worker->add_experts();
    range->set_layer(kLayer);
    for (int expert = 0; expert < experts; ++expert) {
      if (ShardOf(expert) == shard) range->add_experts(static_cast<uint32_t>(expert));
    }
  }
  return map;
}

absl::Status WaitReady(const Router& router, int experts) {
  const absl::Time deadline = absl::Now() + absl::Seconds(10);
  for (;;) {
    const absl::Status ready = router.Ready(kLayer, 1, experts);
    if (ready.ok() || absl::Now() > deadline) return ready;
    absl::SleepFor(absl::Milliseconds(5));
  }
}

struct Figures {
  std::vector<double> raw_us;
  std::vector<double> layer_us;
  std::vector<double> local_us;
};

// The batch as a shard computes it that holds all of its experts.
absl::StatusOr<double> MeasureLocal(const Batch& batch, const HeldExperts& experts, int trips) {
  const int64_t row_bytes = batch.spec.hidden * 2;
  ASSIGN_OR_RETURN(const std::shared_ptr<std::byte[]> outputs, experts.ReplyMemory(batch.ids.size() * static_cast<size_t>(row_bytes)));
  std::vector<ExpertSlot> slots;
  for (int64_t i = 0; i < static_cast<int64_t>(batch.ids.size()); ++i) {
    const std::byte* const input = batch.spec.input + i / batch.spec.top_k * row_bytes;
    slots.push_back({static_cast<uint32_t>(batch.ids[static_cast<size_t>(i)]), input, outputs.get() + i * row_bytes});
  }
  std::vector<double> local_us;
  for (int trip = 0; trip < trips; ++trip) {
    const absl::Time start = absl::Now();
    RETURN_IF_ERROR(experts.Compute(kLayer, slots));
    local_us.push_back(MicrosecondsSince(start));
  }
  return Median(local_us);
}

// One round of trips in turn.
absl::Status Measure(Batch& batch, RawStreams& raw, Router& router, int trips, Figures* figures) {
  std::vector<double> raw_us;
  std::vector<double> layer_us;
  for (int trip = 0; trip < trips; ++trip) {
    const absl::Time raw_start = absl::Now();
    RETURN_IF_ERROR(raw.Trip(batch));
    raw_us.push_back(MicrosecondsSince(raw_start));
    const absl::Time start = absl::Now();
    RETURN_IF_ERROR(router.Dispatch(batch.spec)->Wait());
    layer_us.push_back(MicrosecondsSince(start));
  }
  figures->raw_us.push_back(Median(raw_us));
  figures->layer_us.push_back(Median(layer_us));
  return absl::OkStatus();
}

std::string List(const std::vector<double>& values) {
  return absl::StrCat("[", absl::StrJoin(values, ", ", [](std::string* out, double value) { absl::StrAppend(out, value); }), "]");
}

struct Processes {
  Processes(const std::string& what, const std::string& devices) {
    const std::string self = std::filesystem::read_symlink("/proc/self/exe");
    for (int i = 0; i < absl::GetFlag(FLAGS_shards); ++i) {
      children.push_back(std::make_unique<ChildProcess>(std::vector<std::string>{
          self, absl::StrCat("--serve=", what), absl::StrCat("--transport=", devices.empty() ? "grpc" : "ucx"),
          absl::StrCat("--hidden=", absl::GetFlag(FLAGS_hidden)), absl::StrCat("--experts=", absl::GetFlag(FLAGS_experts)),
          absl::StrCat("--compute=", absl::GetFlag(FLAGS_compute)), absl::StrCat("--inner=", absl::GetFlag(FLAGS_inner))}));
      addresses.push_back(children.back()->ReadLine());
    }
  }

  std::vector<std::unique_ptr<ChildProcess>> children;
  std::vector<std::string> addresses;
};

absl::Status Run(const std::vector<int64_t>& shapes, const std::string& devices) {
  const int experts = absl::GetFlag(FLAGS_experts);
  const Processes raw_processes("raw", devices);
  const Processes shard_processes("shard", devices);
  GrpcConnector grpc;
  std::unique_ptr<UcxWorker> worker;
  std::unique_ptr<UcxConnector> ucx;
  int fallbacks = 0;
  if (!devices.empty()) {
    ASSIGN_OR_RETURN(worker, UcxWorker::Create({.devices = devices}));
    ucx = std::make_unique<UcxConnector>(worker.get(), &grpc,
                                         UcxConnectorOptions{.on_fallback = [&](const std::string&, const absl::Status&) { ++fallbacks; }});
  }
  Connector& connector = ucx == nullptr ? static_cast<Connector&>(grpc) : *ucx;
  RawStreams raw(connector, raw_processes.addresses);
  Router router({.numerics_id = kNumerics}, &connector, nullptr);
  router.UpdateMap(MapOf(shard_processes.addresses, experts));
  RETURN_IF_ERROR(WaitReady(router, experts));

  std::vector<Batch> batches;
  for (const int64_t rows : shapes) batches.emplace_back(rows, absl::GetFlag(FLAGS_hidden), experts, absl::GetFlag(FLAGS_top_k), 1);
  std::vector<Figures> figures(shapes.size());
  std::shared_ptr<const HeldExperts> local;
  if (OnDevice()) {
    ASSIGN_OR_RETURN(local, MakeExperts());
  }
  Figures warm_up;
  for (Batch& batch : batches) {
    RETURN_IF_ERROR(Measure(batch, raw, router, 3, &warm_up));
    if (local != nullptr) RETURN_IF_ERROR(MeasureLocal(batch, *local, 3).status());
  }
  for (int round = 0; round < absl::GetFlag(FLAGS_rounds); ++round) {
    for (size_t i = 0; i < batches.size(); ++i) {
      RETURN_IF_ERROR(Measure(batches[i], raw, router, absl::GetFlag(FLAGS_trips), &figures[i]));
      if (local == nullptr) continue;
      ASSIGN_OR_RETURN(const double local_us, MeasureLocal(batches[i], *local, absl::GetFlag(FLAGS_trips)));
      figures[i].local_us.push_back(local_us);
    }
  }
  if (fallbacks > 0) return absl::UnavailableError("UCX fell back to gRPC");
  std::vector<std::string> found;
  for (size_t i = 0; i < batches.size(); ++i) {
    const Batch& batch = batches[i];
    found.push_back(absl::StrCat("{\"rows\": ", batch.spec.rows, ", \"experts\": ", batch.wanted, ", \"bytes_out\": ", batch.bytes_out(),
                                 ", \"bytes_back\": ", batch.bytes_back(), ", \"raw_us\": ", List(figures[i].raw_us),
                                 ", \"layer_us\": ", List(figures[i].layer_us), ", \"local_us\": ", List(figures[i].local_us), "}"));
  }
  std::cout << "{\"transport\": \"" << absl::GetFlag(FLAGS_transport) << "\", \"compute\": \""
            << (OnDevice() ? cuda::DeviceName() : std::string("none")) << "\", \"shapes\": [" << absl::StrJoin(found, ", ") << "]}\n";
  return absl::OkStatus();
}

int Main(int argc, char** argv) {
  if (absl::ParseCommandLine(argc, argv).size() > 1) return Fail(2, "takes flags only; see --help");
  const std::string transport = absl::GetFlag(FLAGS_transport);
  if (transport != "grpc" && transport != "ucx") return Fail(2, absl::StrCat("--transport=", transport, ": grpc or ucx"));
  const std::string devices = transport == "ucx" ? "sm" : "";
  if (!absl::GetFlag(FLAGS_serve).empty()) return Serve(absl::GetFlag(FLAGS_serve), devices);
  std::vector<int64_t> shapes;
  for (const std::string& text : absl::GetFlag(FLAGS_rows)) {
    int64_t rows = 0;
    if (!absl::SimpleAtoi(text, &rows) || rows < 1 || rows > 2048) return Fail(2, absl::StrCat("--rows has '", text, "', 1 to 2048"));
    shapes.push_back(rows);
  }
  const int top_k = absl::GetFlag(FLAGS_top_k);
  const int shards = absl::GetFlag(FLAGS_shards);
  if (shards < 1 || shards > 8) return Fail(2, "--shards is 1 to 8");
  if (top_k < 1 || absl::GetFlag(FLAGS_experts) < std::max(top_k, shards)) return Fail(2, "--experts is at least --top_k and --shards");
  if (absl::GetFlag(FLAGS_compute) != "none" && !OnDevice()) return Fail(2, "--compute is none or device");
  if (absl::GetFlag(FLAGS_inner) < 128 || absl::GetFlag(FLAGS_inner) % 128 != 0) return Fail(2, "--inner is a multiple of 128");
  if (absl::GetFlag(FLAGS_rounds) < 1 || absl::GetFlag(FLAGS_trips) < 1) return Fail(2, "--rounds and --trips are at least 1");
  if (absl::GetFlag(FLAGS_hidden) < kPage / 2 || absl::GetFlag(FLAGS_hidden) > 16384) return Fail(2, "--hidden is 2048 to 16384");
  const absl::Status status = Run(shapes, devices);
  return status.ok() ? 0 : Fail(1, status.ToString());
}

}  // namespace
}  // namespace baleen

int main(int argc, char** argv) { return baleen::Main(argc, argv); }
