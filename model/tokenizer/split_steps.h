// The pre_tokenizer of tokenizer.json as a list of Split patterns.
#ifndef BALEEN_MODEL_TOKENIZER_SPLIT_STEPS_H_
#define BALEEN_MODEL_TOKENIZER_SPLIT_STEPS_H_

#include <boost/json/object.hpp>
#include <string>
#include <vector>

#include "absl/status/statusor.h"

namespace baleen {

// `root`: all of tokenizer.json. Every step (Split Isolated, Digits, ByteLevel with its own regex) becomes an Oniguruma pattern. The last
// step must be ByteLevel without a prefix space. INVALID_ARGUMENT and UNIMPLEMENTED name the field.
absl::StatusOr<std::vector<std::string>> ReadSplitSteps(const boost::json::object& root);

}  // namespace baleen

#endif  // BALEEN_MODEL_TOKENIZER_SPLIT_STEPS_H_
