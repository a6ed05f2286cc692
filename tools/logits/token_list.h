// Token ids from the command line.
#ifndef BALEEN_TOOLS_LOGITS_TOKEN_LIST_H_
#define BALEEN_TOOLS_LOGITS_TOKEN_LIST_H_

#include <cstdint>
#include <string>
#include <vector>

#include "absl/status/statusor.h"

namespace baleen {

// "1,2,3", or "@file" with ids parted by commas or white space. INVALID_ARGUMENT when there is none, or one is no number; NOT_FOUND names a
// file that cannot be read.
absl::StatusOr<std::vector<int32_t>> ParseTokenList(const std::string& text);

}  // namespace baleen

#endif  // BALEEN_TOOLS_LOGITS_TOKEN_LIST_H_
