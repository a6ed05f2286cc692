// JSON files of a tokenizer: bounded reading and parsing.
#ifndef BALEEN_MODEL_TOKENIZER_JSON_TEXT_H_
#define BALEEN_MODEL_TOKENIZER_JSON_TEXT_H_

#include <boost/json/value.hpp>
#include <cstddef>
#include <string>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"

namespace baleen {

// NOT_FOUND when there is no such file; INVALID_ARGUMENT when it is larger than `max_bytes` or cannot be read.
absl::StatusOr<std::string> ReadTextFile(const std::string& path, size_t max_bytes);

// INVALID_ARGUMENT starts with `origin`, the name of the file, when the text is not one JSON object at most 32 levels deep.
absl::StatusOr<boost::json::value> ParseJsonObject(absl::string_view text, absl::string_view origin);

}  // namespace baleen

#endif  // BALEEN_MODEL_TOKENIZER_JSON_TEXT_H_
