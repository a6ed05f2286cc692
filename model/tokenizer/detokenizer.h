// Token ids to text as they arrive.
#ifndef BALEEN_MODEL_TOKENIZER_DETOKENIZER_H_
#define BALEEN_MODEL_TOKENIZER_DETOKENIZER_H_

#include <cstdint>
#include <string>

#include "absl/types/span.h"
#include "model/tokenizer/tokenizer.h"

namespace baleen {

// Thread-compatible; the tokenizer outlives it.
class Detokenizer {
 public:
  explicit Detokenizer(const Tokenizer& tokenizer, bool skip_special);
  // The text that is complete with this token: never a part of a UTF-8 character. Invalid bytes come out as U+FFFD.
  std::string Add(int32_t id);
  // What is left, incomplete bytes as U+FFFD.
  std::string Finish();

 private:
  const Tokenizer* tokenizer_;
  bool skip_special_;
  std::string pending_;
};

// The text of all of them, as a Detokenizer gives it.
std::string Detokenize(const Tokenizer& tokenizer, absl::Span<const int32_t> ids, bool skip_special);

}  // namespace baleen

#endif  // BALEEN_MODEL_TOKENIZER_DETOKENIZER_H_
