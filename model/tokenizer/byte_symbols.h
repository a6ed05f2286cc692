// GPT-2's byte <-> printable character alphabet, in which a byte-level vocabulary spells its tokens.
#ifndef BALEEN_MODEL_TOKENIZER_BYTE_SYMBOLS_H_
#define BALEEN_MODEL_TOKENIZER_BYTE_SYMBOLS_H_

#include <array>
#include <string>

#include "absl/strings/string_view.h"

namespace baleen {

// The symbol of each byte, as UTF-8.
const std::array<std::string, 256>& ByteSymbols();

// The bytes that a vocabulary entry stands for. An entry with a character outside the alphabet stands for itself, as in the `tokenizers`
// package's ByteLevel decoder.
std::string BytesOfSymbols(absl::string_view symbols);

}  // namespace baleen

#endif  // BALEEN_MODEL_TOKENIZER_BYTE_SYMBOLS_H_
