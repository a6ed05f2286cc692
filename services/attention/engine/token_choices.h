// Tokens that an engine may choose itself, so that the logits stay where they are.
#ifndef BALEEN_SERVICES_ATTENTION_ENGINE_TOKEN_CHOICES_H_
#define BALEEN_SERVICES_ATTENTION_ENGINE_TOKEN_CHOICES_H_

#include <cstddef>
#include <cstdint>
#include <optional>
#include <vector>

#include "model/sampling/plain_choice.h"

namespace baleen {

struct TokenChoices {
  int64_t ids = 0;                                      // Those below it may be chosen: the tokenizer's.
  std::vector<std::optional<PlainChoice>> wanted = {};  // For each row of logits; nullopt = the caller wants its logits.
  std::vector<int32_t> tokens = {};                     // The engine's: none when it chose none, else for each row.

  // Whether tokens[row] is the row's: what Sample gives, -1 included. Otherwise its logits are given.
  bool Chose(size_t row) const { return !tokens.empty() && wanted[row].has_value(); }
};

}  // namespace baleen

#endif  // BALEEN_SERVICES_ATTENTION_ENGINE_TOKEN_CHOICES_H_
