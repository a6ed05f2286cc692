// What each tensor's bytes are, as the workers that loaded it say.
#ifndef BALEEN_SERVICES_PLACEMENT_DIGEST_LEDGER_H_
#define BALEEN_SERVICES_PLACEMENT_DIGEST_LEDGER_H_

#include <cstdint>
#include <map>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "absl/status/status.h"

namespace baleen {

struct NamedDigest {
  std::string name;
  uint64_t digest = 0;
};

// The first report of a tensor stands while a worker that made it lives. Not thread-safe.
class DigestLedger {
 public:
  // INVALID_ARGUMENT names the tensor and a worker that holds other bytes; then nothing of `digests` is recorded.
  // INVALID_ARGUMENT too past kMaxDigests.
  absl::Status Record(const std::string& worker, const std::string& model, const std::vector<NamedDigest>& digests);
  // Forgets what only this worker said.
  void Forget(const std::string& worker);
  size_t size() const { return tensors_.size(); }

  static constexpr size_t kMaxDigests = 4 << 20;

 private:
  using Key = std::pair<std::string, std::string>;  // Model, tensor.
  struct Entry {
    uint64_t digest = 0;
    std::set<std::string> workers;
  };
  absl::flat_hash_map<Key, Entry> tensors_;
};

}  // namespace baleen

#endif  // BALEEN_SERVICES_PLACEMENT_DIGEST_LEDGER_H_
