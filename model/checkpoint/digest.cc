#include "model/checkpoint/digest.h"

#include <openssl/evp.h>

#include <cstdlib>
#include <cstring>
#include <memory>
#include <string>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"

namespace baleen {

uint64_t TensorDigest(DType dtype, const std::vector<int64_t>& shape, const std::byte* data, int64_t bytes) {
  const std::string head = absl::StrCat(NameOf(dtype), "[", absl::StrJoin(shape, ","), "]");
  const std::unique_ptr<EVP_MD_CTX, decltype(&EVP_MD_CTX_free)> context(EVP_MD_CTX_new(), &EVP_MD_CTX_free);
  unsigned char hash[EVP_MAX_MD_SIZE];
  // SHA-256 over memory can only fail when OpenSSL itself is broken.
  if (context == nullptr || EVP_DigestInit_ex(context.get(), EVP_sha256(), nullptr) != 1 ||
      EVP_DigestUpdate(context.get(), head.data(), head.size()) != 1 ||
      EVP_DigestUpdate(context.get(), data, static_cast<size_t>(bytes)) != 1 || EVP_DigestFinal_ex(context.get(), hash, nullptr) != 1) {
    std::abort();
  }
  uint64_t digest = 0;
  std::memcpy(&digest, hash, sizeof(digest));
  return digest;
}

}  // namespace baleen
