// Certificates that are good no more, by the lists (CRLs) of the authority that made them.
#ifndef BALEEN_SERVICES_COMMON_REVOCATION_LIST_H_
#define BALEEN_SERVICES_COMMON_REVOCATION_LIST_H_

#include <memory>
#include <mutex>
#include <set>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "services/common/file_watcher.h"

namespace baleen {

class RevocationList;

// Wants to know of each new list.
class RevocationObserver {
 public:
  virtual ~RevocationObserver() = default;
  // On the list's thread; must not block.
  virtual void OnRevocations(const RevocationList& list) = 0;
};

// The certificates that a RevocationFile has. Thread-safe.
class RevocationList {
 public:
  // Whether the first certificate of this PEM is on a list of its issuer. While a list has entries, true also for what is no certificate.
  bool Revoked(absl::string_view pem) const;

  // Tells `observer` of lists that are read from now on, as long as somebody else holds it.
  void Observe(std::weak_ptr<RevocationObserver> observer) const;

 private:
  friend class RevocationFile;
  void Replace(std::set<std::string> revoked);
  void TellObservers() const;

  mutable std::mutex mutex_;
  std::set<std::string> revoked_;  // Issuer and serial number, both in DER.
  mutable std::vector<std::weak_ptr<RevocationObserver>> observers_;
};

// Keeps a list up to date. One whose next update is overdue stays in force. A file that is wrong changes nothing, and the error is logged
// (revocations_not_reloaded). gRPC's objects hold the list and never this: the last of a call that was cut goes on this one's thread.
class RevocationFile {
 public:
  // Reads `crl_path`, one or more lists in PEM, and again each time it is replaced. NOT_FOUND or INVALID_ARGUMENT names the file that
  // cannot be read, or the list that no authority of `ca_path` signed.
  static absl::StatusOr<std::shared_ptr<const RevocationFile>> Watch(const std::string& crl_path, const std::string& ca_path,
                                                                     absl::Duration period);

  // May outlive this, and is then as it was last.
  const std::shared_ptr<const RevocationList>& list() const { return shared_list_; }

 private:
  RevocationFile(std::string crl_path, std::string ca_path) : crl_path_(std::move(crl_path)), ca_path_(std::move(ca_path)) {}
  absl::Status Read();
  void Reload();

  const std::string crl_path_;
  const std::string ca_path_;
  const std::shared_ptr<RevocationList> list_ = std::make_shared<RevocationList>();
  const std::shared_ptr<const RevocationList> shared_list_ = list_;
  std::unique_ptr<FileWatcher> watcher_;
};

}  // namespace baleen

#endif  // BALEEN_SERVICES_COMMON_REVOCATION_LIST_H_
