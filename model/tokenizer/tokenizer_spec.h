// What tokenizer.json says, checked and in plain types.
#ifndef BALEEN_MODEL_TOKENIZER_TOKENIZER_SPEC_H_
#define BALEEN_MODEL_TOKENIZER_TOKENIZER_SPEC_H_

#include <cstdint>
#include <string>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "model/tokenizer/bpe.h"

namespace baleen {

struct AddedTokenSpec {
  int32_t id = 0;
  std::string content;
  bool special = false;
  bool normalized = false;  // Looked for only where no other added token matched.
};

struct TokenizerSpec {
  absl::flat_hash_map<std::string, int32_t> vocab;  // By symbols (byte_symbols.h); ids are distinct.
  std::vector<BpeMerge> merges;                     // In rank order.
  std::vector<AddedTokenSpec> added;                // Ids agree with the vocabulary's.
  std::vector<std::string> split_patterns;          // Oniguruma syntax, each Split Isolated.
  bool ignore_merges = false;                       // A piece that is a token needs no merges.
};

// INVALID_ARGUMENT "<origin>: <field>: <problem>" for a malformed text; UNIMPLEMENTED likewise for what is valid but is no byte-level BPE
// of the DeepSeek kind (normalizers, other models, stripping added tokens).
absl::StatusOr<TokenizerSpec> ParseTokenizerSpec(absl::string_view json, absl::string_view origin);

}  // namespace baleen

#endif  // BALEEN_MODEL_TOKENIZER_TOKENIZER_SPEC_H_
