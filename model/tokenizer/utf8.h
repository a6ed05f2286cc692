// Strict UTF-8 by Unicode's table 3-7: no surrogates, no overlong forms, nothing above U+10FFFF.
#ifndef BALEEN_MODEL_TOKENIZER_UTF8_H_
#define BALEEN_MODEL_TOKENIZER_UTF8_H_

#include <cstddef>
#include <string>

#include "absl/strings/string_view.h"

namespace baleen {

struct Utf8Step {
  enum class Kind { kCharacter, kInvalid, kIncomplete };
  Kind kind;
  // Bytes of the character; of the ill-formed maximal subpart, at least 1; or of the incomplete rest.
  size_t length;
};

// What `text`, which must not be empty, starts with. kIncomplete: more bytes could complete a character.
Utf8Step NextUtf8(absl::string_view text);

// Length of the longest well-formed prefix.
size_t ValidUtf8Prefix(absl::string_view text);

// Whether a byte of well-formed text is not the first one of its character.
inline bool ContinuesUtf8(char byte) { return (static_cast<unsigned char>(byte) & 0xC0) == 0x80; }

// Appends a scalar value.
void AppendUtf8(char32_t code, std::string* out);

inline constexpr absl::string_view kReplacementCharacter = "\xEF\xBF\xBD";

}  // namespace baleen

#endif  // BALEEN_MODEL_TOKENIZER_UTF8_H_
