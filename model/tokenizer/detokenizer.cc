#include "model/tokenizer/detokenizer.h"

#include <utility>

#include "model/tokenizer/utf8.h"

namespace baleen {

Detokenizer::Detokenizer(const Tokenizer& tokenizer, bool skip_special) : tokenizer_(&tokenizer), skip_special_(skip_special) {}

std::string Detokenizer::Add(int32_t id) {
  if (skip_special_ && tokenizer_->IsSpecial(id)) return "";
  const absl::string_view bytes = tokenizer_->TokenBytes(id);
  pending_.append(bytes.data(), bytes.size());
  std::string text;
  absl::string_view rest = pending_;
  while (!rest.empty()) {
    const Utf8Step step = NextUtf8(rest);
    if (step.kind == Utf8Step::Kind::kIncomplete) break;
    const absl::string_view piece = step.kind == Utf8Step::Kind::kCharacter ? rest.substr(0, step.length) : kReplacementCharacter;
    text.append(piece.data(), piece.size());
    rest.remove_prefix(step.length);
  }
  pending_ = std::string(rest);
  return text;
}

std::string Detokenizer::Finish() {
  // At most one incomplete character is left, which is one ill-formed subpart.
  const bool incomplete = !std::exchange(pending_, "").empty();
  return incomplete ? std::string(kReplacementCharacter) : "";
}

std::string Detokenize(const Tokenizer& tokenizer, absl::Span<const int32_t> ids, bool skip_special) {
  Detokenizer detokenizer(tokenizer, skip_special);
  std::string text;
  for (const int32_t id : ids) text += detokenizer.Add(id);
  return text + detokenizer.Finish();
}

}  // namespace baleen
