#include "services/kv/cache/block_hash.h"

#include <string>

#include "absl/strings/str_cat.h"
#include "base/sha256.h"

namespace baleen {
BlockHash RootBlockHash(absl::string_view numerics_id, absl::string_view salt) {
  return Sha256(absl::StrCat("baleen.block/", numerics_id.size(), "/", numerics_id, "/", salt));
}

BlockHash ChildBlockHash(const BlockHash& parent, absl::Span<const int32_t> tokens) {
  std::string bytes(reinterpret_cast<const char*>(parent.data()), parent.size());
  bytes.append(reinterpret_cast<const char*>(tokens.data()), tokens.size() * sizeof(int32_t));
  return Sha256(bytes);
}

}  // namespace baleen
