#include "services/gateway/tenants/tenant_directory.h"

#include <optional>
#include <utility>
#include <vector>

#include "base/status_macros.h"
#include "services/common/request_id.h"

namespace baleen {

struct TenantDirectory::Snapshot {
  KeyRing ring;  // Owners are places in callers.
  std::vector<Caller> callers;
  KeyRing admin_ring;
  std::vector<TenantEntry> tenants;
};

TenantDirectory::TenantDirectory(TenantDirectoryOptions options, std::string drawn_secret)
    : options_(std::move(options)), drawn_secret_(std::move(drawn_secret)), probe_(*options_.metrics, options_.prices) {
  if (!closed()) default_account_ = AccountLocked(kDefaultTenant, {});
}
TenantDirectory::~TenantDirectory() = default;

absl::StatusOr<std::unique_ptr<TenantDirectory>> TenantDirectory::Open(TenantDirectoryOptions options) {
  auto directory = std::unique_ptr<TenantDirectory>(new TenantDirectory(std::move(options), NewRequestId() + NewRequestId()));
  if (directory->closed()) RETURN_IF_ERROR(directory->Read());
  return directory;
}

absl::Status TenantDirectory::Reload() {
  if (!closed()) return absl::FailedPreconditionError("There is no tenants file here.");
  absl::Status status = Read();
  probe_.Reloaded(status.ok());
  return status;
}

absl::Status TenantDirectory::Read() {
  ASSIGN_OR_RETURN(TenantFile file, ReadTenantFile(options_.path));
  if (file.cache_secret.empty()) file.cache_secret = drawn_secret_;
  auto next = std::make_shared<Snapshot>();
  for (const KeyEntry& key : file.admin_keys) RETURN_IF_ERROR(next->admin_ring.Add(key.digest, 0));
  const std::lock_guard<std::mutex> lock(mutex_);
  for (const TenantEntry& tenant : file.tenants) {
    Caller caller = TenantCaller(tenant.name, tenant.priority, file.cache_secret);
    caller.account = AccountLocked(tenant.name, tenant.limits);
    for (const KeyEntry& key : tenant.keys) RETURN_IF_ERROR(next->ring.Add(key.digest, next->callers.size()));
    next->callers.push_back(std::move(caller));
  }
  next->tenants = std::move(file.tenants);
  current_ = std::move(next);
  return absl::OkStatus();
}

std::shared_ptr<TenantAccount> TenantDirectory::AccountLocked(const std::string& name, const TenantLimits& limits) {
  std::shared_ptr<TenantAccount>& account = accounts_[name];
  if (account == nullptr) {
    account = std::make_shared<TenantAccount>(name, limits, options_.clock, options_.prices, probe_.For(name));
  } else {
    account->SetLimits(limits);
  }
  return account;
}

absl::StatusOr<Caller> TenantDirectory::Authenticate(absl::string_view authorization) const {
  if (!closed()) {
    Caller caller = OpenCaller(authorization);
    caller.account = default_account_;
    return caller;
  }
  const absl::string_view key = BearerKey(authorization);
  if (key.empty()) {
    return absl::UnauthenticatedError("An API key is needed: send the header 'Authorization: Bearer KEY'.");
  }
  const std::shared_ptr<const Snapshot> current = Current();
  const std::optional<size_t> owner = current->ring.Find(key);
  if (!owner) return absl::UnauthenticatedError("This API key is not known here, or not any more.");
  return current->callers[*owner];
}

absl::Status TenantDirectory::AuthenticateAdmin(absl::string_view authorization) const {
  const std::shared_ptr<const Snapshot> current = Current();
  if (current != nullptr && current->admin_ring.Find(BearerKey(authorization))) return absl::OkStatus();
  return absl::UnauthenticatedError("An admin key is needed: send the header 'Authorization: Bearer KEY'.");
}

std::vector<TenantEntry> TenantDirectory::Tenants() const {
  const std::shared_ptr<const Snapshot> current = Current();
  return current == nullptr ? std::vector<TenantEntry>() : current->tenants;
}

std::vector<std::shared_ptr<const TenantAccount>> TenantDirectory::Accounts() const {
  const std::lock_guard<std::mutex> lock(mutex_);
  std::vector<std::shared_ptr<const TenantAccount>> accounts;
  for (const auto& [name, account] : accounts_) accounts.push_back(account);
  return accounts;
}

std::shared_ptr<const TenantDirectory::Snapshot> TenantDirectory::Current() const {
  const std::lock_guard<std::mutex> lock(mutex_);
  return current_;
}

}  // namespace baleen
