#include "model/tokenizer/bpe.h"

#include <algorithm>
#include <functional>
#include <queue>

namespace baleen {
namespace {

// Up to here scanning all pairs for each merge is quicker than a heap.
constexpr size_t kShortPieceBytes = 32;
constexpr uint32_t kNoRank = UINT32_MAX;
constexpr uint32_t kEnd = UINT32_MAX;

// A linked list of the tokens so far; `next` of a swallowed node points to itself.
struct Node {
  int32_t id;
  uint32_t previous;
  uint32_t next;
  bool alive;
};

// Rank in the high half, node index in the low half: the smallest is the leftmost of the lowest rank.
using Candidates = std::priority_queue<uint64_t, std::vector<uint64_t>, std::greater<uint64_t>>;

}  // namespace

Bpe::Bpe(const std::array<int32_t, 256>& byte_ids, const std::vector<BpeMerge>& merges) : byte_ids_(byte_ids) {
  rules_.reserve(merges.size());
  for (size_t i = 0; i < merges.size(); ++i) {
    rules_[Key(merges[i].left, merges[i].right)] = {static_cast<uint32_t>(i), merges[i].result};
  }
}

const Bpe::Rule* Bpe::Find(int32_t left, int32_t right) const {
  const auto found = rules_.find(Key(left, right));
  return found == rules_.end() ? nullptr : &found->second;
}

void Bpe::Encode(absl::string_view piece, std::vector<int32_t>* ids) const {
  if (piece.size() <= kShortPieceBytes) {
    EncodeShort(piece, ids);
  } else {
    EncodeLong(piece, ids);
  }
}

void Bpe::EncodeShort(absl::string_view piece, std::vector<int32_t>* ids) const {
  int32_t tokens[kShortPieceBytes];
  const Rule* rules[kShortPieceBytes];  // Of the pair that starts at the token.
  size_t count = piece.size();
  for (size_t i = 0; i < count; ++i) tokens[i] = byte_ids_[static_cast<uint8_t>(piece[i])];
  for (size_t i = 0; i + 1 < count; ++i) rules[i] = Find(tokens[i], tokens[i + 1]);
  while (count > 1) {
    size_t best = 0;
    uint32_t rank = kNoRank;
    for (size_t i = 0; i + 1 < count; ++i) {
      if (rules[i] != nullptr && rules[i]->rank < rank) {
        best = i;
        rank = rules[i]->rank;
      }
    }
    if (rank == kNoRank) break;
    tokens[best] = rules[best]->result;
    --count;
    std::copy(tokens + best + 2, tokens + count + 1, tokens + best + 1);
    if (best + 1 < count) std::copy(rules + best + 2, rules + count, rules + best + 1);
    if (best > 0) rules[best - 1] = Find(tokens[best - 1], tokens[best]);
    if (best + 1 < count) rules[best] = Find(tokens[best], tokens[best + 1]);
  }
  ids->insert(ids->end(), tokens, tokens + count);
}

void Bpe::EncodeLong(absl::string_view piece, std::vector<int32_t>* ids) const {
  const uint32_t count = static_cast<uint32_t>(piece.size());
  std::vector<Node> nodes(count);
  for (uint32_t i = 0; i < count; ++i) {
    nodes[i] = {byte_ids_[static_cast<uint8_t>(piece[i])], i == 0 ? kEnd : i - 1, i + 1 == count ? kEnd : i + 1, true};
  }
  Candidates candidates;
  const auto offer = [&](uint32_t at) {
    if (at == kEnd || nodes[at].next == kEnd) return;
    if (const Rule* rule = Find(nodes[at].id, nodes[nodes[at].next].id)) candidates.push(static_cast<uint64_t>(rule->rank) << 32 | at);
  };
  for (uint32_t i = 0; i + 1 < count; ++i) offer(i);
  while (!candidates.empty()) {
    const uint32_t rank = static_cast<uint32_t>(candidates.top() >> 32);
    const uint32_t at = static_cast<uint32_t>(candidates.top());
    candidates.pop();
    if (!nodes[at].alive || nodes[at].next == kEnd) continue;
    Node& right = nodes[nodes[at].next];
    const Rule* rule = Find(nodes[at].id, right.id);
    if (rule == nullptr || rule->rank != rank) continue;  // A neighbour merged since this pair was offered.
    nodes[at].id = rule->result;
    nodes[at].next = right.next;
    right.alive = false;
    if (right.next != kEnd) nodes[right.next].previous = at;
    offer(nodes[at].previous);
    offer(at);
  }
  for (uint32_t at = 0; at != kEnd; at = nodes[at].next) ids->push_back(nodes[at].id);
}

}  // namespace baleen
