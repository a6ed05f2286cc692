#include "services/placement/etcd/election.h"

#include <optional>
#include <utility>

#include "absl/strings/str_cat.h"
#include "base/status_macros.h"
#include "services/common/log.h"

namespace baleen {

Election::Election(ElectionOptions options, ElectionEvents events, EtcdStore* etcd, Clock* clock)
    : options_(std::move(options)),
      events_(std::move(events)),
      leader_key_(LeaderKey(options_)),
      record_key_(absl::StrCat(options_.prefix, "record")),
      etcd_(etcd),
      clock_(clock) {}

void Election::Resign() {
  {
    std::lock_guard lock(mutex_);
    leads_ = false;
  }
  if (lease_.id != 0) (void)etcd_->Revoke(lease_.id);
}

absl::Status Election::Leads() const {
  std::lock_guard lock(mutex_);
  if (leads_ && clock_->Now() < valid_until_) return absl::OkStatus();
  return absl::UnavailableError(absl::StrCat("this placement does not lead; leader: ", leader_.empty() ? "unknown" : leader_));
}

absl::Status Election::Ready() const {
  std::lock_guard lock(mutex_);
  return leader_.empty() ? absl::UnavailableError("no leader is known; is etcd there?") : absl::OkStatus();
}

absl::Status Election::Step() {
  absl::Status status = KeepLease();
  // Whether etcd answers or not: an office whose lease could have ended is lost.
  if (leader_revision_ != 0 && !Leads().ok()) Lose();
  if (status.ok()) status = leader_revision_ == 0 ? Campaign() : Store();
  Note(status);
  return status;
}

absl::Status Election::KeepLease() {
  const absl::Time asked = clock_->Now();
  if (asked < keep_at_) return absl::OkStatus();
  absl::Duration ttl;
  if (lease_.id == 0) {
    ASSIGN_OR_RETURN(lease_, etcd_->Grant(options_.ttl));
    ttl = lease_.ttl;
  } else {
    const absl::StatusOr<absl::Duration> kept = etcd_->KeepAlive(lease_.id);
    if (absl::IsNotFound(kept.status())) {
      lease_ = {};
      Lose();
    }
    RETURN_IF_ERROR(kept.status());
    ttl = *kept;
  }
  keep_at_ = asked + ttl / 4;
  std::lock_guard lock(mutex_);
  // etcd counts from a moment after `asked`; a part is left for what is under way when the time comes.
  valid_until_ = asked + ttl * 0.8;
  return absl::OkStatus();
}

absl::Status Election::Campaign() {
  ASSIGN_OR_RETURN(EtcdValue leader, etcd_->Get(leader_key_));
  if (leader.create_revision == 0) {
    EtcdPut put{.key = leader_key_, .value = options_.address, .lease = lease_.id, .guard_key = "", .guard_create_revision = 0};
    ASSIGN_OR_RETURN(const std::optional<int64_t> won, etcd_->PutIf(put));
    if (won) leader = {options_.address, *won, *won, lease_.id};
  }
  {
    std::lock_guard lock(mutex_);
    leader_ = leader.value;
  }
  return leader.lease == lease_.id && leader.create_revision != 0 ? TakeOffice(leader.create_revision) : absl::OkStatus();
}

absl::Status Election::TakeOffice(int64_t create_revision) {
  ASSIGN_OR_RETURN(const EtcdValue record, etcd_->Get(record_key_));
  v1::StoredPlacement stored;
  if (!stored.ParseFromString(record.value)) return absl::DataLossError(absl::StrCat("etcd: ", record_key_, " is not a placement record"));
  leader_revision_ = create_revision;
  record_revision_ = record.mod_revision;
  stored_ = record.value;
  events_.on_elected(stored);
  // Nobody is served before this one's epochs are reserved.
  RETURN_IF_ERROR(Store());
  Log(LogLevel::kInfo, "elected", {{"address", options_.address}, {"epoch", absl::StrCat(stored.epoch_limit())}});
  std::lock_guard lock(mutex_);
  leads_ = true;
  return absl::OkStatus();
}

absl::Status Election::Store() {
  const v1::StoredPlacement record = events_.record();
  std::string bytes = record.SerializeAsString();
  if (bytes != stored_) {
    EtcdPut put{.key = record_key_, .expected_mod_revision = record_revision_, .value = bytes, .guard_key = leader_key_};
    put.guard_create_revision = leader_revision_;
    const absl::StatusOr<std::optional<int64_t>> written = etcd_->PutIf(put);
    // After an error nobody knows whether it was written; a new campaign reads what is there.
    if (!written.ok() || !*written) Lose();
    RETURN_IF_ERROR(written.status());
    if (!*written) return absl::AbortedError("etcd: another placement leads");
    record_revision_ = **written;
    stored_ = std::move(bytes);
  }
  events_.on_stored(record);
  return absl::OkStatus();
}

void Election::Lose() {
  if (std::exchange(leader_revision_, 0) == 0) return;
  {
    std::lock_guard lock(mutex_);
    leads_ = false;
  }
  Log(LogLevel::kWarning, "leadership_lost", {{"address", options_.address}});
  events_.on_lost();
}

void Election::Note(const absl::Status& status) {
  if (std::exchange(noted_, status.code()) == status.code() || status.ok()) return;
  Log(LogLevel::kWarning, "etcd_call_failed", {{"placement", options_.address}, {"reason", status.ToString()}});
}

}  // namespace baleen
