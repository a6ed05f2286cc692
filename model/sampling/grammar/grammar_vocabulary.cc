#include "model/sampling/grammar/grammar_vocabulary.h"

#include <algorithm>

namespace baleen {

GrammarVocabulary::GrammarVocabulary(const Tokenizer& tokenizer, int64_t size)
    : by_id_(static_cast<size_t>(std::max<int64_t>(size, 0)), -1) {
  for (int32_t id = 0; id < static_cast<int64_t>(by_id_.size()); ++id) {
    const absl::string_view bytes = tokenizer.TokenBytes(id);
    if (bytes.empty() || tokenizer.AddedTokenId(bytes) == id) continue;
    entries_.push_back({id, static_cast<uint32_t>(text_.size()), static_cast<uint32_t>(bytes.size()), 0});
    text_.append(bytes.data(), bytes.size());
    longest_ = std::max(longest_, bytes.size());
    if (bytes.size() == 1) single_bytes_.set(static_cast<uint8_t>(bytes[0]));
  }
  std::sort(entries_.begin(), entries_.end(), [this](const Entry& a, const Entry& b) {
    const int order = Bytes(a).compare(Bytes(b));
    return order != 0 ? order < 0 : a.id < b.id;
  });
  absl::string_view before;
  for (size_t i = 0; i < entries_.size(); ++i) {
    const absl::string_view bytes = Bytes(entries_[i]);
    const auto end =
        std::mismatch(bytes.begin(), bytes.begin() + static_cast<std::ptrdiff_t>(std::min(bytes.size(), before.size())), before.begin());
    entries_[i].shared = static_cast<uint32_t>(end.first - bytes.begin());
    before = bytes;
    by_id_[static_cast<size_t>(entries_[i].id)] = static_cast<int32_t>(i);
  }
}

absl::string_view GrammarVocabulary::BytesOf(int32_t id) const {
  if (id < 0 || static_cast<size_t>(id) >= by_id_.size() || by_id_[static_cast<size_t>(id)] < 0) return {};
  return Bytes(entries_[static_cast<size_t>(by_id_[static_cast<size_t>(id)])]);
}

}  // namespace baleen
