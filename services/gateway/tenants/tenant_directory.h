// Who may call the gateway: the tenants file as it is now.
#ifndef BALEEN_SERVICES_GATEWAY_TENANTS_TENANT_DIRECTORY_H_
#define BALEEN_SERVICES_GATEWAY_TENANTS_TENANT_DIRECTORY_H_

#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "base/clock.h"
#include "services/gateway/tenants/caller.h"
#include "services/gateway/tenants/price_table.h"
#include "services/gateway/tenants/probe.h"
#include "services/gateway/tenants/tenant_account.h"
#include "services/gateway/tenants/tenant_file.h"

namespace prometheus {
class Registry;
}

namespace baleen {

struct TenantDirectoryOptions {
  std::string path;  // The tenants file; empty: no key is asked for, and everybody is the tenant kDefaultTenant, without limits.
  std::optional<PriceTable> prices = {};
  Clock* clock = Clock::Real();             // Unowned.
  prometheus::Registry* metrics = nullptr;  // Unowned, required.
};

// Thread-safe.
class TenantDirectory {
 public:
  // INVALID_ARGUMENT or NOT_FOUND names what is wrong with the file.
  static absl::StatusOr<std::unique_ptr<TenantDirectory>> Open(TenantDirectoryOptions options);
  ~TenantDirectory();

  // Reads the file again. What is wrong leaves everything as it was. Requests under way go on whatever it says; what tenants have used
  // stays used.
  absl::Status Reload();

  // Whether callers need a key.
  bool closed() const { return !options_.path.empty(); }
  const std::string& path() const { return options_.path; }
  // Whose request it is by its Authorization header. UNAUTHENTICATED without a key that the file has.
  absl::StatusOr<Caller> Authenticate(absl::string_view authorization) const;
  // Whether it is a key for the admin API. UNAUTHENTICATED otherwise, and always when open.
  absl::Status AuthenticateAdmin(absl::string_view authorization) const;

  // In the file's order; none when open.
  std::vector<TenantEntry> Tenants() const;
  // By name, tenants that left the file included.
  std::vector<std::shared_ptr<const TenantAccount>> Accounts() const;

 private:
  struct Snapshot;
  TenantDirectory(TenantDirectoryOptions options, std::string drawn_secret);
  absl::Status Read();
  std::shared_ptr<const Snapshot> Current() const;
  std::shared_ptr<TenantAccount> AccountLocked(const std::string& name, const TenantLimits& limits);

  const TenantDirectoryOptions options_;
  const std::string drawn_secret_;  // Salts where the file has no secret.
  TenantProbe probe_;
  mutable std::mutex mutex_;
  std::shared_ptr<const Snapshot> current_;  // Null when open.
  // By name. Those of tenants that left the file stay: they may come back, and requests of theirs may run.
  std::map<std::string, std::shared_ptr<TenantAccount>> accounts_;
  std::shared_ptr<TenantAccount> default_account_;  // Null when closed.
};

}  // namespace baleen

#endif  // BALEEN_SERVICES_GATEWAY_TENANTS_TENANT_DIRECTORY_H_
