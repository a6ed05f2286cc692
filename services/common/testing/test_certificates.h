// Certificates for tests: an authority, and identities it signs, as PEM files.
#ifndef BALEEN_SERVICES_COMMON_TESTING_TEST_CERTIFICATES_H_
#define BALEEN_SERVICES_COMMON_TESTING_TEST_CERTIFICATES_H_

#include <openssl/x509.h>

#include <memory>
#include <string>
#include <vector>

#include "services/common/pem_files.h"

namespace baleen {

struct TestIdentity {
  std::string uri;               // None when empty.
  std::string ip = "127.0.0.1";  // An alternative name too.
  long begins_in_s = -3600;      // From now.
  long ends_in_s = 3600;
};

// Writes below a directory of its own in TEST_TMPDIR. Aborts where OpenSSL or the disk fails.
class TestAuthority {
 public:
  explicit TestAuthority(const std::string& name);
  ~TestAuthority();

  // Files <name>.crt and <name>.key, and the authority's ca.crt; those that were there are replaced by renaming.
  PemFiles Issue(const std::string& name, const TestIdentity& identity) const;
  // The path of crl.pem, which revokes the certificates of these files and no other; replaced by renaming.
  std::string Revoke(const std::vector<std::string>& certificates) const;

 private:
  const std::string directory_;
  EVP_PKEY* const key_;
  X509* const certificate_;
};

}  // namespace baleen

#endif  // BALEEN_SERVICES_COMMON_TESTING_TEST_CERTIFICATES_H_
