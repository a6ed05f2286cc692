// Whose request it is, as the gateway's bookkeeping knows it.
#ifndef BALEEN_SERVICES_GATEWAY_ADMISSION_TENANT_H_
#define BALEEN_SERVICES_GATEWAY_ADMISSION_TENANT_H_

#include <string>

#include "absl/strings/string_view.h"

namespace baleen {

// A SHA-256 digest of an Authorization header, so that keys are neither kept nor compared themselves; empty without one.
std::string KeyDigest(absl::string_view authorization);

// Who shares fairly: the key's owner; without a key the request's `user` field; without both everybody together.
std::string TenantOf(absl::string_view authorization, absl::string_view user);

}  // namespace baleen

#endif  // BALEEN_SERVICES_GATEWAY_ADMISSION_TENANT_H_
