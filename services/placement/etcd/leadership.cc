#include "services/placement/etcd/leadership.h"

#include <utility>

#include "absl/strings/str_cat.h"
#include "base/status_macros.h"
#include "services/common/log.h"

namespace baleen {
namespace {

constexpr absl::Duration kPeriod = absl::Milliseconds(250);

}  // namespace

Leadership::Leadership(LeadershipOptions options, LeadershipEvents events)
    : options_(std::move(options)),
      events_(std::move(events)),
      leader_key_(absl::StrCat(options_.prefix, "leader")),
      record_key_(absl::StrCat(options_.prefix, "record")),
      etcd_(options_.etcd),
      thread_([this] { Run(); }) {}

Leadership::~Leadership() {
  {
    std::lock_guard lock(mutex_);
    stop_ = true;
    leads_ = false;
  }
  wake_.notify_all();
  thread_.join();
  if (lease_.id != 0) (void)etcd_.Revoke(lease_.id);
}

absl::Status Leadership::Leads() const {
  std::lock_guard lock(mutex_);
  if (leads_ && absl::Now() < valid_until_) return absl::OkStatus();
  return absl::UnavailableError(absl::StrCat("this placement does not lead; leader: ", leader_.empty() ? "unknown" : leader_));
}

absl::Status Leadership::Ready() const {
  std::lock_guard lock(mutex_);
  return leader_.empty() ? absl::UnavailableError("no leader is known; is etcd there?") : absl::OkStatus();
}

void Leadership::Run() {
  std::unique_lock lock(mutex_);
  while (!stop_) {
    lock.unlock();
    Step();
    lock.lock();
    wake_.wait_for(lock, absl::ToChronoMilliseconds(kPeriod), [this] { return stop_; });
  }
}

void Leadership::Step() {
  absl::Status status = KeepLease();
  // Whether etcd answers or not: an office whose lease could have ended is lost.
  if (leader_revision_ != 0 && !Leads().ok()) Lose();
  if (status.ok()) status = leader_revision_ == 0 ? Campaign() : Store();
  Note(status);
}

absl::Status Leadership::KeepLease() {
  const absl::Time asked = absl::Now();
  if (asked < keep_at_) return absl::OkStatus();
  absl::Duration ttl;
  if (lease_.id == 0) {
    ASSIGN_OR_RETURN(lease_, etcd_.Grant(options_.ttl));
    ttl = lease_.ttl;
  } else {
    const absl::StatusOr<absl::Duration> kept = etcd_.KeepAlive(lease_.id);
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

absl::Status Leadership::Campaign() {
  ASSIGN_OR_RETURN(EtcdValue leader, etcd_.Get(leader_key_));
  if (leader.create_revision == 0) {
    EtcdPut put{.key = leader_key_, .value = options_.address, .lease = lease_.id, .guard_key = "", .guard_create_revision = 0};
    ASSIGN_OR_RETURN(const std::optional<int64_t> won, etcd_.PutIf(put));
    if (won) leader = {options_.address, *won, *won, lease_.id};
  }
  {
    std::lock_guard lock(mutex_);
    leader_ = leader.value;
  }
  return leader.lease == lease_.id && leader.create_revision != 0 ? TakeOffice(leader.create_revision) : absl::OkStatus();
}

absl::Status Leadership::TakeOffice(int64_t create_revision) {
  ASSIGN_OR_RETURN(const EtcdValue record, etcd_.Get(record_key_));
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

absl::Status Leadership::Store() {
  const v1::StoredPlacement record = events_.record();
  std::string bytes = record.SerializeAsString();
  if (bytes != stored_) {
    EtcdPut put{.key = record_key_, .expected_mod_revision = record_revision_, .value = bytes, .guard_key = leader_key_};
    put.guard_create_revision = leader_revision_;
    const absl::StatusOr<std::optional<int64_t>> written = etcd_.PutIf(put);
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

void Leadership::Lose() {
  if (std::exchange(leader_revision_, 0) == 0) return;
  {
    std::lock_guard lock(mutex_);
    leads_ = false;
  }
  Log(LogLevel::kWarning, "leadership_lost", {{"address", options_.address}});
  events_.on_lost();
}

void Leadership::Note(const absl::Status& status) {
  if (std::exchange(noted_, status.code()) == status.code() || status.ok()) return;
  Log(LogLevel::kWarning, "etcd_call_failed", {{"address", options_.etcd}, {"reason", status.ToString()}});
}

}  // namespace baleen
