#include "services/common/testing/test_certificates.h"

#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>
#include <stdio.h>
#include <stdlib.h>

#include <atomic>

#include "absl/strings/str_cat.h"

namespace baleen {
namespace {

std::string MakeDirectory(const std::string& name) {
  const char* const root = getenv("TEST_TMPDIR");
  std::string directory = absl::StrCat(root == nullptr ? "/tmp" : root, "/", name, "-XXXXXX");
  if (mkdtemp(directory.data()) == nullptr) abort();
  return directory;
}

X509* NewCertificate(const std::string& name, EVP_PKEY* key, const TestIdentity& identity) {
  static std::atomic<long> serial{1};
  X509* const certificate = X509_new();
  X509_set_version(certificate, 2);
  ASN1_INTEGER_set(X509_get_serialNumber(certificate), serial++);
  X509_gmtime_adj(X509_getm_notBefore(certificate), identity.begins_in_s);
  X509_gmtime_adj(X509_getm_notAfter(certificate), identity.ends_in_s);
  X509_set_pubkey(certificate, key);
  X509_NAME_add_entry_by_txt(X509_get_subject_name(certificate), "CN", MBSTRING_ASC, reinterpret_cast<const unsigned char*>(name.c_str()),
                             -1, -1, 0);
  return certificate;
}

void AddExtension(X509* certificate, int nid, const std::string& value) {
  X509_EXTENSION* const extension = X509V3_EXT_conf_nid(nullptr, nullptr, nid, value.c_str());
  if (extension == nullptr) abort();
  X509_add_ext(certificate, extension, -1);
  X509_EXTENSION_free(extension);
}

// In one step, so that no reader sees half of it.
template <typename WriteFunction>
void WriteFile(const std::string& path, WriteFunction write) {
  const std::string next = absl::StrCat(path, ".new");
  FILE* const file = fopen(next.c_str(), "w");
  if (file == nullptr || write(file) != 1 || fclose(file) != 0 || rename(next.c_str(), path.c_str()) != 0) abort();
}

void WriteCertificate(const std::string& path, X509* certificate) {
  WriteFile(path, [certificate](FILE* file) { return PEM_write_X509(file, certificate); });
}

}  // namespace

TestAuthority::TestAuthority(const std::string& name)
    : directory_(MakeDirectory(name)), key_(EVP_EC_gen("P-256")), certificate_(NewCertificate(name, key_, {})) {
  X509_set_issuer_name(certificate_, X509_get_subject_name(certificate_));
  AddExtension(certificate_, NID_basic_constraints, "critical,CA:TRUE");
  AddExtension(certificate_, NID_key_usage, "critical,keyCertSign");
  X509_sign(certificate_, key_, EVP_sha256());
}

TestAuthority::~TestAuthority() {
  X509_free(certificate_);
  EVP_PKEY_free(key_);
}

PemFiles TestAuthority::Issue(const std::string& name, const TestIdentity& identity) const {
  EVP_PKEY* const key = EVP_EC_gen("P-256");
  X509* const certificate = NewCertificate(name, key, identity);
  X509_set_issuer_name(certificate, X509_get_subject_name(certificate_));
  const std::string uri = identity.uri.empty() ? "" : absl::StrCat("URI:", identity.uri, ",");
  AddExtension(certificate, NID_subject_alt_name, absl::StrCat(uri, "IP:", identity.ip));
  X509_sign(certificate, key_, EVP_sha256());
  const std::string base = absl::StrCat(directory_, "/", name);
  const PemFiles files{absl::StrCat(directory_, "/ca.crt"), absl::StrCat(base, ".crt"), absl::StrCat(base, ".key")};
  WriteCertificate(files.ca, certificate_);
  WriteCertificate(files.cert, certificate);
  WriteFile(files.key, [key](FILE* file) { return PEM_write_PrivateKey(file, key, nullptr, nullptr, 0, nullptr, nullptr); });
  X509_free(certificate);
  EVP_PKEY_free(key);
  return files;
}

std::string TestAuthority::Revoke(const std::vector<std::string>& certificates) const {
  X509_CRL* const list = X509_CRL_new();
  X509_CRL_set_version(list, 1);
  X509_CRL_set_issuer_name(list, X509_get_subject_name(certificate_));
  ASN1_TIME* const now = X509_gmtime_adj(nullptr, 0);
  X509_CRL_set1_lastUpdate(list, now);
  for (const std::string& path : certificates) {
    FILE* const file = fopen(path.c_str(), "r");
    X509* const certificate = file == nullptr ? nullptr : PEM_read_X509(file, nullptr, nullptr, nullptr);
    if (certificate == nullptr || fclose(file) != 0) abort();
    X509_REVOKED* const entry = X509_REVOKED_new();
    X509_REVOKED_set_serialNumber(entry, X509_get_serialNumber(certificate));
    X509_REVOKED_set_revocationDate(entry, now);
    X509_CRL_add0_revoked(list, entry);
    X509_free(certificate);
  }
  X509_CRL_sort(list);
  X509_CRL_sign(list, key_, EVP_sha256());
  const std::string path = absl::StrCat(directory_, "/crl.pem");
  WriteFile(path, [list](FILE* file) { return PEM_write_X509_CRL(file, list); });
  ASN1_TIME_free(now);
  X509_CRL_free(list);
  return path;
}

}  // namespace baleen
