#include "services/gateway/generation/prefix_affinity.h"

#include "absl/hash/hash.h"
#include "base/kv_block.h"

namespace baleen {
namespace {

uint64_t KeyOf(absl::string_view worker_id, uint64_t name) { return absl::HashOf(worker_id, name); }

}  // namespace

std::vector<uint64_t> PrefixAffinity::NameBlocks(absl::string_view salt, absl::Span<const int32_t> tokens) {
  std::vector<uint64_t> names;
  uint64_t parent = absl::HashOf(salt);
  for (; tokens.size() >= kKvBlockTokens; tokens.remove_prefix(kKvBlockTokens)) {
    parent = absl::HashOf(parent, tokens.subspan(0, kKvBlockTokens));
    names.push_back(parent);
  }
  return names;
}

int64_t PrefixAffinity::CachedTokens(absl::string_view worker_id, absl::Span<const uint64_t> names, absl::Time now) const {
  int64_t tokens = 0;
  for (const uint64_t name : names) {
    const auto it = entries_.find(KeyOf(worker_id, name));
    if (it == entries_.end() || now - it->second.at > max_age_) break;
    tokens += kKvBlockTokens;
  }
  return tokens;
}

void PrefixAffinity::Remember(absl::string_view worker_id, absl::Span<const uint64_t> names, absl::Time now) {
  for (const uint64_t name : names) {
    const uint64_t key = KeyOf(worker_id, name);
    const auto [it, added] = entries_.try_emplace(key);
    if (!added) by_age_.erase(it->second.place);
    it->second = {.at = now, .place = by_age_.insert(by_age_.end(), key)};
  }
  while (entries_.size() > max_entries_) {
    entries_.erase(by_age_.front());
    by_age_.pop_front();
  }
}

}  // namespace baleen
