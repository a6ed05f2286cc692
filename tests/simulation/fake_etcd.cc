#include "tests/simulation/fake_etcd.h"

#include <optional>
#include <utility>

namespace baleen {

class FakeEtcd::ClientImpl final : public EtcdStore {
 public:
  ClientImpl(FakeEtcd* etcd, std::function<EtcdReach()> reach) : etcd_(etcd), reach_(std::move(reach)) {}

  absl::StatusOr<EtcdLease> Grant(absl::Duration ttl) override {
    return Fare<EtcdLease>([&]() -> absl::StatusOr<EtcdLease> {
      etcd_->leases_[++etcd_->last_lease_] = {ttl, etcd_->clock_->Now() + ttl};
      return EtcdLease{etcd_->last_lease_, ttl};
    });
  }

  absl::StatusOr<absl::Duration> KeepAlive(int64_t lease) override {
    return Fare<absl::Duration>([&]() -> absl::StatusOr<absl::Duration> {
      const auto it = etcd_->leases_.find(lease);
      if (it == etcd_->leases_.end()) return absl::NotFoundError("the lease has ended");
      it->second.ends = etcd_->clock_->Now() + it->second.ttl;
      return it->second.ttl;
    });
  }

  absl::Status Revoke(int64_t lease) override {
    return Fare<bool>([&]() -> absl::StatusOr<bool> {
             if (const auto it = etcd_->leases_.find(lease); it != etcd_->leases_.end()) it->second.ends = absl::InfinitePast();
             etcd_->EndLeases();
             return true;
           })
        .status();
  }

  absl::StatusOr<EtcdValue> Get(const std::string& key) override {
    return Fare<EtcdValue>([&]() -> absl::StatusOr<EtcdValue> {
      const auto it = etcd_->keys_.find(key);
      return it == etcd_->keys_.end() ? EtcdValue() : it->second;
    });
  }

  absl::StatusOr<std::optional<int64_t>> PutIf(const EtcdPut& put) override {
    return Fare<std::optional<int64_t>>([&]() -> absl::StatusOr<std::optional<int64_t>> {
      const auto it = etcd_->keys_.find(put.key);
      if ((it == etcd_->keys_.end() ? 0 : it->second.mod_revision) != put.expected_mod_revision) return std::optional<int64_t>();
      if (!put.guard_key.empty()) {
        const auto guard = etcd_->keys_.find(put.guard_key);
        if ((guard == etcd_->keys_.end() ? 0 : guard->second.create_revision) != put.guard_create_revision) return std::optional<int64_t>();
      }
      if (put.lease != 0 && etcd_->leases_.count(put.lease) == 0) return absl::NotFoundError("the lease has ended");
      const int64_t revision = ++etcd_->revision_;
      EtcdValue& value = etcd_->keys_[put.key];
      if (value.create_revision == 0) value.create_revision = revision;
      value = {put.value, value.create_revision, revision, put.lease};
      return std::optional<int64_t>(revision);
    });
  }

 private:
  template <typename Value>
  absl::StatusOr<Value> Fare(const std::function<absl::StatusOr<Value>()>& call) {
    const EtcdReach reach = reach_();
    if (reach == EtcdReach::kLost) return absl::DeadlineExceededError("etcd does not answer");
    etcd_->EndLeases();
    absl::StatusOr<Value> result = call();
    if (reach == EtcdReach::kUnanswered) return absl::DeadlineExceededError("etcd's answer is lost");
    return result;
  }

  FakeEtcd* const etcd_;
  const std::function<EtcdReach()> reach_;
};

std::unique_ptr<EtcdStore> FakeEtcd::Client(std::function<EtcdReach()> reach) {
  return std::make_unique<ClientImpl>(this, std::move(reach));
}

void FakeEtcd::Restart() {
  for (auto& [id, lease] : leases_) lease.ends = clock_->Now() + lease.ttl;
}

void FakeEtcd::EndLeases() {
  const absl::Time now = clock_->Now();
  std::erase_if(leases_, [now](const auto& lease) { return lease.second.ends <= now; });
  std::erase_if(keys_, [this](const auto& key) { return key.second.lease != 0 && leases_.count(key.second.lease) == 0; });
}

}  // namespace baleen
