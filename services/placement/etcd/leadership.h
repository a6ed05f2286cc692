// Which of several placements leads: elected by an etcd lease, fenced by its own clock.
#ifndef BALEEN_SERVICES_PLACEMENT_ETCD_LEADERSHIP_H_
#define BALEEN_SERVICES_PLACEMENT_ETCD_LEADERSHIP_H_

#include <condition_variable>
#include <cstdint>
#include <functional>
#include <mutex>
#include <string>
#include <thread>

#include "absl/status/status.h"
#include "absl/time/time.h"
#include "proto/baleen/v1/placement.pb.h"
#include "services/placement/etcd/etcd_client.h"

namespace baleen {

struct LeadershipOptions {
  std::string etcd;     // host:port
  std::string address;  // Where workers reach this placement.
  std::string prefix = "/baleen/placement/";
  absl::Duration ttl = absl::Seconds(3);  // Of the lease; a dead leader is replaced after this.
};

// What the leader does with its office. Called on Leadership's own thread.
struct LeadershipEvents {
  // Elected: what the leader before stored; empty at the very first. Epochs begin at its epoch_limit.
  std::function<void(const v1::StoredPlacement& stored)> on_elected;
  std::function<void()> on_lost;
  // What is to be stored now. It takes effect when on_stored is called with it.
  std::function<v1::StoredPlacement()> record;
  std::function<void(const v1::StoredPlacement& stored)> on_stored;
};

// The leader's key lives as long as its lease. The record is written by compare-and-swap on its revision, and only while the leader's
// key is the one this placement made, so that a deposed leader writes nothing. Thread-safe.
class Leadership {
 public:
  Leadership(LeadershipOptions options, LeadershipEvents events);
  ~Leadership();  // Gives the lease back.

  // OK while this one leads: never longer than the lease is sure to live. Otherwise UNAVAILABLE names the leader, as last seen.
  absl::Status Leads() const;
  // OK when some leader is known.
  absl::Status Ready() const;

 private:
  void Run();
  void Step();
  absl::Status KeepLease();
  absl::Status Campaign();
  absl::Status TakeOffice(int64_t create_revision);
  absl::Status Store();
  void Lose();
  void Note(const absl::Status& status);

  const LeadershipOptions options_;
  const LeadershipEvents events_;
  const std::string leader_key_;
  const std::string record_key_;
  EtcdClient etcd_;

  // The loop's own.
  EtcdLease lease_;
  absl::Time keep_at_ = absl::InfinitePast();
  int64_t leader_revision_ = 0;  // The leader key's create revision while it is ours; 0 = it is not.
  int64_t record_revision_ = 0;
  std::string stored_;
  absl::StatusCode noted_ = absl::StatusCode::kUnknown;

  mutable std::mutex mutex_;  // Guards what follows.
  std::condition_variable wake_;
  bool stop_ = false;
  bool leads_ = false;
  absl::Time valid_until_ = absl::InfinitePast();
  std::string leader_;
  std::thread thread_;
};

}  // namespace baleen

#endif  // BALEEN_SERVICES_PLACEMENT_ETCD_LEADERSHIP_H_
