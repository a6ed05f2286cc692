#include "services/kv/cache/block_hash.h"

#include <openssl/evp.h>

#include <cstdlib>
#include <string>

#include "absl/strings/str_cat.h"

namespace baleen {
namespace {

BlockHash Sha256(absl::string_view bytes) {
  BlockHash hash;
  unsigned int size = 0;
  // SHA-256 over memory can only fail when OpenSSL itself is broken.
  if (EVP_Digest(bytes.data(), bytes.size(), hash.data(), &size, EVP_sha256(), nullptr) != 1 || size != hash.size()) std::abort();
  return hash;
}

}  // namespace

BlockHash RootBlockHash(absl::string_view numerics_id, absl::string_view salt) {
  return Sha256(absl::StrCat("baleen.block/", numerics_id.size(), "/", numerics_id, "/", salt));
}

BlockHash ChildBlockHash(const BlockHash& parent, absl::Span<const int32_t> tokens) {
  std::string bytes(reinterpret_cast<const char*>(parent.data()), parent.size());
  bytes.append(reinterpret_cast<const char*>(tokens.data()), tokens.size() * sizeof(int32_t));
  return Sha256(bytes);
}

}  // namespace baleen
