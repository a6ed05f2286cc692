// Certificates that are good no more, by the lists (CRLs) of the authority that made them.
#ifndef BALEEN_SERVICES_COMMON_REVOCATION_LIST_H_
#define BALEEN_SERVICES_COMMON_REVOCATION_LIST_H_

#include <memory>
#include <mutex>
#include <set>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "services/common/file_watcher.h"

namespace baleen {

// Thread-safe. A list whose next update is overdue stays in force. A file that is wrong changes nothing, and the error is logged
// (revocations_not_reloaded).
class RevocationList {
 public:
  // Reads `crl_path`, one or more lists in PEM, and again each time it is replaced. NOT_FOUND or INVALID_ARGUMENT names the file that
  // cannot be read, or the list that no authority of `ca_path` signed.
  static absl::StatusOr<std::shared_ptr<const RevocationList>> Watch(const std::string& crl_path, const std::string& ca_path,
                                                                     absl::Duration period);

  // Whether the first certificate of this PEM is on a list of its issuer. While a list has entries, true also for what is no certificate.
  bool Revoked(absl::string_view pem) const;

 private:
  RevocationList(std::string crl_path, std::string ca_path) : crl_path_(std::move(crl_path)), ca_path_(std::move(ca_path)) {}
  absl::Status Read();
  void Reload();

  const std::string crl_path_;
  const std::string ca_path_;
  mutable std::mutex mutex_;
  std::set<std::string> revoked_;  // Issuer and serial number, both in DER.
  std::unique_ptr<FileWatcher> watcher_;
};

}  // namespace baleen

#endif  // BALEEN_SERVICES_COMMON_REVOCATION_LIST_H_
