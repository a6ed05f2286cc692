// Who may call the gateway: the tenants file as it is now.
#ifndef BALEEN_SERVICES_GATEWAY_TENANTS_TENANT_DIRECTORY_H_
#define BALEEN_SERVICES_GATEWAY_TENANTS_TENANT_DIRECTORY_H_

#include <memory>
#include <mutex>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "services/gateway/tenants/caller.h"
#include "services/gateway/tenants/tenant_file.h"

namespace baleen {

// Thread-safe.
class TenantDirectory {
 public:
  // An empty path: no key is asked for. Otherwise INVALID_ARGUMENT or NOT_FOUND names what is wrong with the file.
  static absl::StatusOr<std::unique_ptr<TenantDirectory>> Open(const std::string& path);
  ~TenantDirectory();

  // Reads the file again. What is wrong leaves everything as it was. Requests under way go on whatever it says.
  absl::Status Reload();

  // Whether callers need a key.
  bool closed() const { return !path_.empty(); }
  const std::string& path() const { return path_; }
  // Whose request it is by its Authorization header. UNAUTHENTICATED without a key that the file has.
  absl::StatusOr<Caller> Authenticate(absl::string_view authorization) const;

 private:
  struct Snapshot;
  TenantDirectory(std::string path, std::string drawn_secret);
  std::shared_ptr<const Snapshot> Current() const;

  const std::string path_;
  const std::string drawn_secret_;  // Salts where the file has no secret.
  mutable std::mutex mutex_;
  std::shared_ptr<const Snapshot> current_;  // Null when open.
};

}  // namespace baleen

#endif  // BALEEN_SERVICES_GATEWAY_TENANTS_TENANT_DIRECTORY_H_
