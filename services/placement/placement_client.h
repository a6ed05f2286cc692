// A worker's tie to placement: registers, sends heartbeats, keeps the newest map. Survives placement's absence.
#ifndef BALEEN_SERVICES_PLACEMENT_PLACEMENT_CLIENT_H_
#define BALEEN_SERVICES_PLACEMENT_PLACEMENT_CLIENT_H_

#include <grpcpp/security/credentials.h>

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "proto/baleen/v1/placement.pb.h"
#include "services/placement/timing.h"

namespace baleen {

struct PlacementClientOptions {
  std::string address;  // host:port of placement; of several, separated by commas, the one that leads is found.
  // To placement; null = plaintext.
  std::shared_ptr<grpc::ChannelCredentials> credentials = nullptr;
  v1::WorkerInfo worker;
  // Fills ready, load, loaded and digests into each heartbeat. Digests may be all or only those new since the last call: the client
  // sends each until it is answered. Called on the heartbeat thread, at the same time as the others; must not block.
  std::function<void(v1::HeartbeatRequest*)> report;
  // A map newer than the last one; maps that come while it runs are skipped but the newest. Called on the client's delivery thread.
  std::function<void(std::shared_ptr<const v1::ClusterMap>)> on_map;
  // For expert shards: what to hold, whenever it changed. Called on the client's delivery thread; may load: heartbeats go on meanwhile.
  std::function<void(const std::vector<v1::ExpertRange>&)> on_assignment;
  // An operator wants this worker to drain and end. Called once, on the heartbeat thread; must not block.
  std::function<void()> on_drain;
  absl::Duration release_patience = kReleasePatience;
};

// Thread-safe. Reconnects by itself, registers again when placement has forgotten it; the last map stays valid.
class PlacementClient {
 public:
  explicit PlacementClient(PlacementClientOptions options);
  ~PlacementClient();  // Stops the threads; does not deregister.

  // OK while this worker is in placement's map, as far as placement has said: its absence changes nothing. UNAVAILABLE, with the reason,
  // before the first registration, and once placement has dropped this worker or refuses it.
  absl::Status Standing() const;
  // The newest map; null before the first.
  std::shared_ptr<const v1::ClusterMap> map() const;
  // Asks placement; `done` is called once, on any thread, within a second or so, and before the destructor returns.
  void GetActivity(std::function<void(absl::StatusOr<v1::Activity>)> done);
  // The same: asks placement to want so many expert shards.
  void SetScale(uint32_t expert_shards, std::function<void(absl::Status)> done);
  // The same: has the worker drain, or the placement that leads for the id "placement".
  void Drain(const std::string& worker_id, std::function<void(absl::Status)> done);
  // Sends a heartbeat now, so that a change of readiness is not seen late.
  void Nudge();
  // For a worker that reports draining: blocks until placement needs nothing of it any more. DEADLINE_EXCEEDED after `timeout`;
  // UNAVAILABLE when no placement has answered for the release patience.
  absl::Status AwaitRelease(absl::Duration timeout);
  // Takes this worker out of the map, wherever the placement is that leads; waits at most 2 s.
  absl::Status Deregister();

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace baleen

#endif  // BALEEN_SERVICES_PLACEMENT_PLACEMENT_CLIENT_H_
