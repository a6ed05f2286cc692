// One Split step: an Oniguruma pattern of tokenizer.json, run by PCRE2's JIT.
#ifndef BALEEN_MODEL_TOKENIZER_SPLIT_REGEX_H_
#define BALEEN_MODEL_TOKENIZER_SPLIT_REGEX_H_

#include <memory>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"

namespace baleen {

// Rewrites what the two dialects read differently: \s and \S mean Unicode's White_Space (PCRE2 adds U+180E), \uXXXX becomes \x{XXXX}.
// UNIMPLEMENTED for what PCRE2 cannot say: nested or intersected classes and \h.
absl::StatusOr<std::string> OnigurumaToPcre2(absl::string_view pattern);

// Quotes a literal.
std::string QuoteRegex(absl::string_view literal);

// Immutable, thread-safe.
class SplitRegex {
 public:
  // INVALID_ARGUMENT carries PCRE2's message and the offset. `^` and `$` match at lines, as they do in Oniguruma.
  static absl::StatusOr<SplitRegex> Create(absl::string_view pattern);
  SplitRegex(SplitRegex&&) noexcept;
  SplitRegex& operator=(SplitRegex&&) noexcept;
  ~SplitRegex();

  // Appends the matches and the gaps between them, in order, none empty. `text` is valid UTF-8 and outlives the pieces. Where PCRE2 runs
  // into its limits the rest of the text stays one piece.
  void Split(absl::string_view text, std::vector<absl::string_view>* pieces) const;

 private:
  struct Program;
  explicit SplitRegex(std::unique_ptr<Program> program);
  std::unique_ptr<Program> program_;
};

}  // namespace baleen

#endif  // BALEEN_MODEL_TOKENIZER_SPLIT_REGEX_H_
