#include "model/tokenizer/added_token_matcher.h"

namespace baleen {
namespace {

uint64_t Edge(uint32_t node, char byte) { return static_cast<uint64_t>(node) << 8 | static_cast<uint8_t>(byte); }

}  // namespace

AddedTokenMatcher::AddedTokenMatcher() : ids_{-1} {}

void AddedTokenMatcher::Add(absl::string_view text, int32_t id) {
  starts_[static_cast<uint8_t>(text[0])] = true;
  uint32_t node = 0;
  for (char byte : text) {
    const auto [edge, added] = children_.try_emplace(Edge(node, byte), static_cast<uint32_t>(ids_.size()));
    if (added) ids_.push_back(-1);
    node = edge->second;
  }
  ids_[node] = id;
}

AddedTokenMatcher::Match AddedTokenMatcher::LongestAt(absl::string_view text, size_t start) const {
  Match match{start, 0, -1};
  uint32_t node = 0;
  for (size_t at = start; at < text.size(); ++at) {
    const auto edge = children_.find(Edge(node, text[at]));
    if (edge == children_.end()) break;
    node = edge->second;
    if (ids_[node] >= 0) match = {start, at + 1 - start, ids_[node]};
  }
  return match;
}

AddedTokenMatcher::Match AddedTokenMatcher::Find(absl::string_view text, size_t from) const {
  for (size_t at = from; at < text.size(); ++at) {
    if (!starts_[static_cast<uint8_t>(text[at])]) continue;
    if (const Match match = LongestAt(text, at); match.length > 0) return match;
  }
  return {text.size(), 0, -1};
}

}  // namespace baleen
