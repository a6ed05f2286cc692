// The seed of a request that is to be the same answer whenever and wherever it is sent again.
#ifndef BALEEN_SERVICES_GATEWAY_API_DERIVED_SEED_H_
#define BALEEN_SERVICES_GATEWAY_API_DERIVED_SEED_H_

#include <cstdint>

#include "absl/strings/string_view.h"

namespace baleen {

// A seed that any gateway, of any release, draws for the same request under the same name: the first 8 bytes of an HMAC-SHA-256 of both.
// Nobody who lacks `secret` can tell it. `digest` is that of what the answer depends on; empty where the name alone is to decide.
uint64_t DerivedSeed(absl::string_view secret, absl::string_view name, absl::string_view digest);

}  // namespace baleen

#endif  // BALEEN_SERVICES_GATEWAY_API_DERIVED_SEED_H_
