// Percent-encoding of URIs (RFC 3986, 2.1).
#ifndef BALEEN_BASE_PERCENT_DECODE_H_
#define BALEEN_BASE_PERCENT_DECODE_H_

#include <optional>
#include <string>

#include "absl/strings/string_view.h"

namespace baleen {

// What `text` stands for, any bytes; nullopt when a percent sign has no two hexadecimal digits.
std::optional<std::string> PercentDecode(absl::string_view text);

}  // namespace baleen

#endif  // BALEEN_BASE_PERCENT_DECODE_H_
