// What placement takes from workers, and from etcd: what is accepted is sorted and within bounds, and survives a round trip.

#include <algorithm>
#include <cstdint>
#include <string>

#include "base/clock.h"
#include "proto/baleen/v1/placement.pb.h"
#include "services/placement/cluster.h"
#include "services/placement/convert.h"
#include "services/placement/office.h"
#include "tests/fuzz/fuzz_input.h"

namespace baleen {
namespace {

// Moves only when told.
class FixedClock final : public Clock {
 public:
  absl::Time Now() override { return now; }
  void Sleep(absl::Duration duration) override { now += duration; }
  absl::Time now = absl::FromUnixSeconds(1'000'000'000);
};

void CheckHoldings(const Holdings& holdings) {
  for (size_t i = 0; i < holdings.size(); ++i) {
    Require(i == 0 || holdings[i - 1].layer < holdings[i].layer, "layers are sorted, each once");
    const std::vector<uint32_t>& experts = holdings[i].experts;
    Require(std::is_sorted(experts.begin(), experts.end()), "experts are sorted");
    Require(std::adjacent_find(experts.begin(), experts.end()) == experts.end(), "each expert once");
  }
  RangeProtos wire;
  ToProto(holdings, &wire);
  const absl::StatusOr<Holdings> again = FromProto(wire);
  Require(again.ok() && *again == holdings, "holdings survive a round trip");
}

void CheckMap(const Cluster& cluster) {
  for (const MappedWorker& worker : cluster.Snapshot()) {
    const v1::Worker wire = ToProto(worker);
    const absl::StatusOr<WorkerDescription> again = FromProto(wire.info());
    Require(again.ok() && again->id == worker.description.id && again->role == worker.description.role, "a worker survives a round trip");
    CheckHoldings(worker.experts);
  }
}

void Register(Cluster& cluster, const v1::RegisterRequest& request) {
  const absl::StatusOr<WorkerDescription> worker = FromProto(request.worker());
  const absl::StatusOr<Holdings> loaded = FromProto(request.loaded());
  if (!worker.ok() || !loaded.ok()) return;
  CheckHoldings(*loaded);
  const absl::StatusOr<WorkerOrders> orders = cluster.Register(*worker, request.epoch_seen(), *loaded);
  if (orders.ok()) CheckHoldings(orders->assigned);
}

void Report(Cluster& cluster, const v1::HeartbeatRequest& request) {
  const absl::StatusOr<WorkerReport> report = FromProto(request);
  if (!report.ok()) return;
  const absl::StatusOr<WorkerOrders> orders = cluster.Report(request.worker_id(), *report);
  if (orders.ok()) CheckHoldings(orders->assigned);
}

// A new leader takes a record over, and stores one that the next could take.
void TakeOver(const ElectionEvents& office, const v1::StoredPlacement& stored) {
  office.on_elected(stored);
  const v1::StoredPlacement record = office.record();
  Require(record.epoch_limit() >= stored.epoch_limit() || stored.epoch_limit() > UINT64_MAX - 2000, "epochs go on above the reserved ones");
  office.on_stored(record);
}

}  // namespace
}  // namespace baleen

// Events one after another: kind, size in two bytes, message.
extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace baleen;
  FuzzInput input(data, size);
  FixedClock clock;
  ClusterOptions options;
  options.assignment.replicas = 1 + input.Byte() % 2;
  Cluster cluster(options, &clock);
  const ElectionEvents office = MakeOffice(cluster);
  for (int events = 0; !input.empty() && events < 32; ++events) {
    const uint8_t kind = input.Byte();
    const size_t low = input.Byte();
    const std::string bytes = input.Bytes(low | static_cast<size_t>(input.Byte()) << 8);
    v1::RegisterRequest registration;
    v1::HeartbeatRequest heartbeat;
    v1::StoredPlacement stored;
    if (kind % 5 == 0 && registration.ParseFromString(bytes)) Register(cluster, registration);
    if (kind % 5 == 1 && heartbeat.ParseFromString(bytes)) Report(cluster, heartbeat);
    if (kind % 5 == 2 && stored.ParseFromString(bytes)) TakeOver(office, stored);
    if (kind % 5 == 3) cluster.Rebalance();
    if (kind % 5 == 4) {
      clock.Sleep(absl::Milliseconds(200));
      cluster.Tick();
    }
  }
  CheckMap(cluster);
  return 0;
}
