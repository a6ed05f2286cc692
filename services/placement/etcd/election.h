// The election of a leader by an etcd lease, as a state machine that its owner steps.
#ifndef BALEEN_SERVICES_PLACEMENT_ETCD_ELECTION_H_
#define BALEEN_SERVICES_PLACEMENT_ETCD_ELECTION_H_

#include <cstdint>
#include <functional>
#include <mutex>
#include <string>

#include "absl/status/status.h"
#include "absl/time/time.h"
#include "base/clock.h"
#include "proto/baleen/v1/placement.pb.h"
#include "services/placement/etcd/etcd_store.h"

namespace baleen {

struct ElectionOptions {
  std::string address;  // Where workers reach this placement.
  std::string prefix = "/baleen/placement/";
  absl::Duration ttl = absl::Seconds(3);  // Of the lease; a dead leader is replaced after this.
};

// What the leader does with its office. Called within Step.
struct ElectionEvents {
  // Elected: what the leader before stored; empty at the very first. Epochs begin at its epoch_limit.
  std::function<void(const v1::StoredPlacement& stored)> on_elected;
  std::function<void()> on_lost;
  // What is to be stored now. It takes effect when on_stored is called with it.
  std::function<v1::StoredPlacement()> record;
  std::function<void(const v1::StoredPlacement& stored)> on_stored;
};

// The leader's key lives as long as its lease. The record is written by compare-and-swap on its revision, and only while the leader's
// key is the one this placement made, so that a deposed leader writes nothing. Leads and Ready are thread-safe; Step and Resign belong to
// one thread.
class Election {
 public:
  // The key whose value is the leader's address.
  static std::string LeaderKey(const ElectionOptions& options) { return options.prefix + "leader"; }

  // `etcd` and `clock` outlive this.
  Election(ElectionOptions options, ElectionEvents events, EtcdStore* etcd, Clock* clock);

  // Keeps the lease and, as it stands, campaigns or stores the record. To be called at least four times per ttl; blocks for etcd's calls.
  // OK when all that had changed before is stored, or another placement leads.
  absl::Status Step();
  // Gives the lease back: nobody has to wait for its end. The last call.
  void Resign();

  // OK while this one leads: never longer than the lease is sure to live. Otherwise UNAVAILABLE names the leader, as last seen.
  absl::Status Leads() const;
  // OK when some leader is known.
  absl::Status Ready() const;

 private:
  absl::Status KeepLease();
  absl::Status Campaign();
  absl::Status TakeOffice(int64_t create_revision);
  absl::Status Store();
  void Lose();
  void Note(const absl::Status& status);

  const ElectionOptions options_;
  const ElectionEvents events_;
  const std::string leader_key_;
  const std::string record_key_;
  EtcdStore* const etcd_;
  Clock* const clock_;

  EtcdLease lease_;
  absl::Time keep_at_ = absl::InfinitePast();
  int64_t leader_revision_ = 0;  // The leader key's create revision while it is ours; 0 = it is not.
  int64_t record_revision_ = 0;
  std::string stored_;
  absl::StatusCode noted_ = absl::StatusCode::kUnknown;

  mutable std::mutex mutex_;  // Guards what follows.
  bool leads_ = false;
  absl::Time valid_until_ = absl::InfinitePast();
  std::string leader_;
};

}  // namespace baleen

#endif  // BALEEN_SERVICES_PLACEMENT_ETCD_ELECTION_H_
