// Cuts text into the pieces that BPE works on: the sequence of Split steps of tokenizer.json.
#ifndef BALEEN_MODEL_TOKENIZER_PRETOKENIZER_H_
#define BALEEN_MODEL_TOKENIZER_PRETOKENIZER_H_

#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "model/tokenizer/split_regex.h"

namespace baleen {

// Immutable, thread-safe.
class Pretokenizer {
 public:
  // Errors name the step by index.
  static absl::StatusOr<Pretokenizer> Create(const std::vector<std::string>& patterns);

  // The pieces of `text` in order, none empty; together they are `text`, which outlives them. Each step cuts every piece made so far into
  // matches and gaps. A byte that is no part of a UTF-8 character is a piece of its own.
  std::vector<absl::string_view> Split(absl::string_view text) const;

 private:
  explicit Pretokenizer(std::vector<SplitRegex> steps);
  std::vector<absl::string_view> SplitValid(absl::string_view text) const;
  std::vector<SplitRegex> steps_;
};

}  // namespace baleen

#endif  // BALEEN_MODEL_TOKENIZER_PRETOKENIZER_H_
