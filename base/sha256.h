// SHA-256 (FIPS 180-4).
#ifndef BALEEN_BASE_SHA256_H_
#define BALEEN_BASE_SHA256_H_

#include <array>
#include <cstdint>

#include "absl/strings/string_view.h"

namespace baleen {

std::array<uint8_t, 32> Sha256(absl::string_view bytes);

}  // namespace baleen

#endif  // BALEEN_BASE_SHA256_H_
