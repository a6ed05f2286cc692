#include "services/placement/digest_ledger.h"

#include <algorithm>

#include "absl/strings/str_cat.h"

namespace baleen {

absl::Status DigestLedger::Record(const std::string& worker, const std::string& model, const std::vector<NamedDigest>& digests) {
  const auto is_new = [&](const NamedDigest& given) { return !tensors_.contains(Key(model, given.name)); };
  if (tensors_.size() + static_cast<size_t>(std::count_if(digests.begin(), digests.end(), is_new)) > kMaxDigests) {
    return absl::InvalidArgumentError(absl::StrCat("more than ", kMaxDigests, " tensor digests"));
  }
  for (const NamedDigest& given : digests) {
    const auto it = tensors_.find(Key(model, given.name));
    if (it == tensors_.end() || it->second.digest == given.digest) continue;
    const auto& holders = it->second.workers;
    if (holders.size() == 1 && holders.contains(worker)) continue;  // It loaded the tensor anew; nobody else holds the old bytes.
    const std::string& other = *holders.begin() == worker ? *holders.rbegin() : *holders.begin();
    return absl::InvalidArgumentError(absl::StrCat("tensor ", given.name, " of model ", model, ": digest ", absl::Hex(given.digest), " on ",
                                                   worker, " differs from ", absl::Hex(it->second.digest), " on ", other));
  }
  for (const NamedDigest& given : digests) {
    Entry& entry = tensors_[Key(model, given.name)];
    entry.digest = given.digest;
    entry.workers.insert(worker);
  }
  return absl::OkStatus();
}

void DigestLedger::Forget(const std::string& worker) {
  absl::erase_if(tensors_, [&](auto& entry) {
    entry.second.workers.erase(worker);
    return entry.second.workers.empty();
  });
}

}  // namespace baleen
