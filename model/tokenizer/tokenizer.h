// Byte-level BPE from an unmodified tokenizer.json (model spec section 7).
#ifndef BALEEN_MODEL_TOKENIZER_TOKENIZER_H_
#define BALEEN_MODEL_TOKENIZER_TOKENIZER_H_

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/types/optional.h"

namespace baleen {

enum class AddedTokens {
  kMatch,  // Text that spells an added token becomes it (templates).
  kText,   // It stays text (what a user typed).
};

// Immutable, thread-safe.
class Tokenizer {
 public:
  // Reads <directory>/tokenizer.json. NOT_FOUND, INVALID_ARGUMENT (malformed) and UNIMPLEMENTED (no byte-level BPE, see tokenizer_spec.h)
  // name file and field.
  static absl::StatusOr<std::unique_ptr<Tokenizer>> Load(const std::string& directory);
  // The same from the text of a tokenizer.json; `origin` names it in errors.
  static absl::StatusOr<std::unique_ptr<Tokenizer>> FromJson(absl::string_view json, absl::string_view origin);
  ~Tokenizer();

  // No BOS is added. Any bytes are accepted; nothing of the text is kept. A byte that UTF-8 never uses and the vocabulary lacks becomes
  // U+FFFD.
  std::vector<int32_t> Encode(absl::string_view text, AddedTokens added) const;
  // Bytes of the ids; unknown ids give nothing. `skip_special` leaves out tokens flagged special.
  std::string Decode(const std::vector<int32_t>& ids, bool skip_special) const;
  // Bytes of one id as they enter the text; empty for an unknown id. Lives as long as the tokenizer.
  absl::string_view TokenBytes(int32_t id) const;
  bool IsSpecial(int32_t id) const;
  // Id of an added token by its text.
  absl::optional<int32_t> AddedTokenId(absl::string_view text) const;
  // One past the largest id that has a token.
  int64_t size() const;

 private:
  struct Impl;
  explicit Tokenizer(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace baleen

#endif  // BALEEN_MODEL_TOKENIZER_TOKENIZER_H_
