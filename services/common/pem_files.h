// The PEM files of one identity: a certificate chain, its private key, and where wanted the authorities that peers are held to.
#ifndef BALEEN_SERVICES_COMMON_PEM_FILES_H_
#define BALEEN_SERVICES_COMMON_PEM_FILES_H_

#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"

namespace baleen {

// Paths. A new identity comes into force without a restart when the files are replaced in one step (the swap of a link to their
// directory, as Kubernetes does it, or a rename).
struct PemFiles {
  std::string ca;
  std::string cert;
  std::string key;
  std::string crl = {};  // Lists of certificates that the authorities have revoked; empty = none.
};

// How long after their replacement new files are in force, at most.
inline constexpr unsigned kPemRefreshSeconds = 2;

// The file's text. NOT_FOUND or INVALID_ARGUMENT names it; at most 1 MiB.
absl::StatusOr<std::string> ReadPem(const std::string& path);

// OK when the certificate and the key can be read and belong together, and the authorities can be read unless ca is empty. INVALID_ARGUMENT
// names the file. An expired certificate is no error here: peers refuse it.
absl::Status CheckPemFiles(const PemFiles& files);

// OK when the file begins with a certificate.
absl::Status CheckAuthorities(const std::string& path);

// The URIs among the subject's alternative names of the first certificate of the file.
absl::StatusOr<std::vector<std::string>> UrisOfCertificate(const std::string& path);

}  // namespace baleen

#endif  // BALEEN_SERVICES_COMMON_PEM_FILES_H_
