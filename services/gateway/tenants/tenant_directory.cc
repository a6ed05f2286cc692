#include "services/gateway/tenants/tenant_directory.h"

#include <optional>
#include <utility>

#include "base/status_macros.h"
#include "services/common/request_id.h"

namespace baleen {

struct TenantDirectory::Snapshot {
  TenantFile file;
  KeyRing ring;  // Owners are places in file.tenants.
};

TenantDirectory::TenantDirectory(std::string path, std::string drawn_secret)
    : path_(std::move(path)), drawn_secret_(std::move(drawn_secret)) {}
TenantDirectory::~TenantDirectory() = default;

absl::StatusOr<std::unique_ptr<TenantDirectory>> TenantDirectory::Open(const std::string& path) {
  auto directory = std::unique_ptr<TenantDirectory>(new TenantDirectory(path, NewRequestId() + NewRequestId()));
  if (directory->closed()) RETURN_IF_ERROR(directory->Reload());
  return directory;
}

absl::Status TenantDirectory::Reload() {
  if (!closed()) return absl::FailedPreconditionError("There is no tenants file here.");
  auto next = std::make_shared<Snapshot>();
  ASSIGN_OR_RETURN(next->file, ReadTenantFile(path_));
  if (next->file.cache_secret.empty()) next->file.cache_secret = drawn_secret_;
  for (size_t i = 0; i < next->file.tenants.size(); ++i) {
    for (const KeyEntry& key : next->file.tenants[i].keys) RETURN_IF_ERROR(next->ring.Add(key.digest, i));
  }
  const std::lock_guard<std::mutex> lock(mutex_);
  current_ = std::move(next);
  return absl::OkStatus();
}

std::shared_ptr<const TenantDirectory::Snapshot> TenantDirectory::Current() const {
  const std::lock_guard<std::mutex> lock(mutex_);
  return current_;
}

absl::StatusOr<Caller> TenantDirectory::Authenticate(absl::string_view authorization) const {
  if (!closed()) return OpenCaller(authorization);
  const absl::string_view key = BearerKey(authorization);
  if (key.empty()) {
    return absl::UnauthenticatedError("An API key is needed: send the header 'Authorization: Bearer KEY'.");
  }
  const std::shared_ptr<const Snapshot> current = Current();
  const std::optional<size_t> owner = current->ring.Find(key);
  if (!owner) return absl::UnauthenticatedError("This API key is not known here, or not any more.");
  const TenantEntry& tenant = current->file.tenants[*owner];
  return TenantCaller(tenant.name, tenant.priority, current->file.cache_secret);
}

}  // namespace baleen
