// The expert backend over the network: rows by shard, one message a shard, one output per (row, expert).
#ifndef BALEEN_SERVICES_ROUTER_ROUTER_H_
#define BALEEN_SERVICES_ROUTER_ROUTER_H_

#include <memory>
#include <string>

#include "absl/status/status.h"
#include "absl/time/time.h"
#include "model/layers/expert_backend.h"
#include "prometheus/registry.h"
#include "proto/baleen/v1/placement.pb.h"
#include "services/router/dispatch_core.h"
#include "transport/transport.h"

namespace baleen {

struct RouterOptions {
  std::string numerics_id;
  absl::Duration batch_deadline = absl::Seconds(30);  // Rows without a live replica park until then.
  DispatchPolicy policy = {};                         // When a call is hedged, and when it is sent again.
};

// UpdateMap is thread-safe; Dispatch has one caller at a time. Replies are matched by call id, late ones are dropped, a broken stream's
// calls are retried on another replica at once, overdue calls get a second copy on another replica, and shards that do not answer in time
// are left alone until they do. Rows whose experts nobody holds wait for a map that says who does. UNAVAILABLE at the deadline names layer
// and expert; an expert is never skipped.
class Router final : public ExpertBackend {
 public:
  Router(RouterOptions options, Connector* connector, prometheus::Registry* metrics);
  ~Router() override;

  // Connects to new shards, forgets those that left.
  void UpdateMap(std::shared_ptr<const v1::ClusterMap> map);
  // OK when every routed expert of layers [first_moe_layer, first_moe_layer + moe_layers) has a connected shard.
  absl::Status Ready(int first_moe_layer, int moe_layers, int experts) const;

  std::unique_ptr<PendingExperts> Dispatch(const ExpertBatch& batch) override;

 private:
  struct Impl;
  std::shared_ptr<Impl> impl_;
};

}  // namespace baleen

#endif  // BALEEN_SERVICES_ROUTER_ROUTER_H_
