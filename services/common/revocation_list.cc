#include "services/common/revocation_list.h"

#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/x509.h>

#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "base/status_macros.h"
#include "services/common/log.h"
#include "services/common/pem_files.h"

namespace baleen {
namespace {

template <auto Free>
struct Freer {
  template <typename T>
  void operator()(T* pointer) const {
    Free(pointer);
  }
};
using Certificate = std::unique_ptr<X509, Freer<X509_free>>;
using List = std::unique_ptr<X509_CRL, Freer<X509_CRL_free>>;
using Bio = std::unique_ptr<BIO, Freer<BIO_free>>;

// All objects of a PEM text, until one cannot be read.
template <typename Object, typename ReadFunction>
std::vector<Object> ReadAll(absl::string_view pem, ReadFunction read) {
  const Bio bio(BIO_new_mem_buf(pem.data(), static_cast<int>(pem.size())));
  std::vector<Object> objects;
  for (Object object(read(bio.get(), nullptr, nullptr, nullptr)); object != nullptr;
       object.reset(read(bio.get(), nullptr, nullptr, nullptr))) {
    objects.push_back(std::move(object));
  }
  ERR_clear_error();  // The end of the text counts as one.
  return objects;
}

void AppendDer(const X509_NAME* name, std::string* key) {
  const unsigned char* der = nullptr;
  size_t size = 0;
  if (X509_NAME_get0_der(name, &der, &size) == 1) key->append(reinterpret_cast<const char*>(der), size);
}

std::string KeyOf(const X509_NAME* issuer, const ASN1_INTEGER* serial) {
  std::string key;
  AppendDer(issuer, &key);
  key.push_back(ASN1_STRING_type(serial) == V_ASN1_NEG_INTEGER ? '-' : '+');
  key.append(reinterpret_cast<const char*>(ASN1_STRING_get0_data(serial)), static_cast<size_t>(ASN1_STRING_length(serial)));
  return key;
}

bool SignedByOneOf(const std::vector<Certificate>& authorities, X509_CRL* list) {
  for (const Certificate& authority : authorities) {
    if (X509_NAME_cmp(X509_get_subject_name(authority.get()), X509_CRL_get_issuer(list)) != 0) continue;
    if (X509_CRL_verify(list, X509_get0_pubkey(authority.get())) == 1) return true;
  }
  ERR_clear_error();
  return false;
}

void Collect(X509_CRL* list, std::set<std::string>* revoked) {
  STACK_OF(X509_REVOKED)* const entries = X509_CRL_get_REVOKED(list);
  for (int i = 0; i < sk_X509_REVOKED_num(entries); ++i) {
    revoked->insert(KeyOf(X509_CRL_get_issuer(list), X509_REVOKED_get0_serialNumber(sk_X509_REVOKED_value(entries, i))));
  }
}

}  // namespace

absl::StatusOr<std::shared_ptr<const RevocationFile>> RevocationFile::Watch(const std::string& crl_path, const std::string& ca_path,
                                                                            absl::Duration period) {
  std::shared_ptr<RevocationFile> file(new RevocationFile(crl_path, ca_path));
  // Watched first, so that no change between is missed.
  file->watcher_ = std::make_unique<FileWatcher>(crl_path, period, [raw = file.get()] { raw->Reload(); });
  RETURN_IF_ERROR(file->Read());
  return file;
}

absl::Status RevocationFile::Read() {
  ASSIGN_OR_RETURN(const std::string lists_text, ReadPem(crl_path_));
  ASSIGN_OR_RETURN(const std::string authorities_text, ReadPem(ca_path_));
  const auto authorities = ReadAll<Certificate>(authorities_text, PEM_read_bio_X509);
  const auto lists = ReadAll<List>(lists_text, PEM_read_bio_X509_CRL);
  if (lists.empty()) return absl::InvalidArgumentError(absl::StrCat(crl_path_, ": expected a certificate revocation list in PEM"));
  std::set<std::string> revoked;
  for (const List& list : lists) {
    if (!SignedByOneOf(authorities, list.get())) {
      return absl::InvalidArgumentError(absl::StrCat(crl_path_, ": a list is not signed by an authority of ", ca_path_));
    }
    Collect(list.get(), &revoked);
  }
  list_->Replace(std::move(revoked));
  return absl::OkStatus();
}

void RevocationFile::Reload() {
  const absl::Status status = Read();
  if (!status.ok()) return Log(LogLevel::kError, "revocations_not_reloaded", {{"status", std::string(status.message())}});
  Log(LogLevel::kInfo, "revocations_reloaded", {{"file", crl_path_}});
  list_->TellObservers();
}

void RevocationList::Replace(std::set<std::string> revoked) {
  const std::lock_guard<std::mutex> lock(mutex_);
  revoked_ = std::move(revoked);
}

void RevocationList::Observe(std::weak_ptr<RevocationObserver> observer) const {
  const std::lock_guard<std::mutex> lock(mutex_);
  std::erase_if(observers_, [](const auto& known) { return known.expired(); });
  observers_.push_back(std::move(observer));
}

void RevocationList::TellObservers() const {
  std::vector<std::weak_ptr<RevocationObserver>> observers;
  {
    const std::lock_guard<std::mutex> lock(mutex_);
    observers = observers_;
  }
  for (const std::weak_ptr<RevocationObserver>& known : observers) {
    if (const std::shared_ptr<RevocationObserver> observer = known.lock()) observer->OnRevocations(*this);
  }
}

bool RevocationList::Revoked(absl::string_view pem) const {
  {
    const std::lock_guard<std::mutex> lock(mutex_);
    if (revoked_.empty()) return false;
  }
  const Bio bio(BIO_new_mem_buf(pem.data(), static_cast<int>(pem.size())));
  const Certificate certificate(PEM_read_bio_X509(bio.get(), nullptr, nullptr, nullptr));
  if (certificate == nullptr) {
    ERR_clear_error();
    return true;
  }
  const std::string key = KeyOf(X509_get_issuer_name(certificate.get()), X509_get0_serialNumber(certificate.get()));
  const std::lock_guard<std::mutex> lock(mutex_);
  return revoked_.contains(key);
}

}  // namespace baleen
