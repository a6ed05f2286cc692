#include "model/sampling/grammar/grammar.h"

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"

namespace baleen {
namespace {

constexpr int32_t kNever = Grammar::kNestingMax + 1;

}  // namespace

GrammarBuilder::GrammarBuilder() { grammar_.nodes_.emplace_back(); }

GrammarNodeId GrammarBuilder::Add(const GrammarNode& node) {
  if (grammar_.nodes_.size() >= Grammar::kNodesMax) {
    full_ = true;
    return 0;
  }
  grammar_.nodes_.push_back(node);
  return static_cast<GrammarNodeId>(grammar_.nodes_.size() - 1);
}

GrammarNodeId GrammarBuilder::Byte(uint8_t low, uint8_t high, GrammarNodeId next) {
  GrammarNode node;
  node.kind = GrammarNode::Kind::kBytes;
  node.low = low;
  node.high = high;
  node.next = next;
  return Add(node);
}

GrammarNodeId GrammarBuilder::Literal(absl::string_view text, GrammarNodeId next) {
  for (size_t i = text.size(); i-- > 0;) next = Byte(static_cast<uint8_t>(text[i]), static_cast<uint8_t>(text[i]), next);
  return next;
}

GrammarNodeId GrammarBuilder::Token(int32_t id, GrammarNodeId next) {
  GrammarNode node;
  node.kind = GrammarNode::Kind::kToken;
  node.value = id;
  node.next = next;
  return Add(node);
}

void GrammarBuilder::SetEdges(GrammarNodeId split, const std::vector<GrammarNodeId>& alternatives) {
  if (grammar_.edges_.size() + alternatives.size() > 4 * Grammar::kNodesMax) full_ = true;
  if (full_) return;
  GrammarNode& node = grammar_.nodes_[static_cast<size_t>(split)];
  node.value = static_cast<int32_t>(grammar_.edges_.size());
  node.edges = static_cast<int32_t>(alternatives.size());
  grammar_.edges_.insert(grammar_.edges_.end(), alternatives.begin(), alternatives.end());
}

GrammarNodeId GrammarBuilder::AnyOf(const std::vector<GrammarNodeId>& alternatives) {
  if (alternatives.size() == 1) return alternatives[0];
  GrammarNode node;
  node.kind = GrammarNode::Kind::kSplit;
  const GrammarNodeId id = Add(node);
  SetEdges(id, alternatives);
  return id;
}

GrammarNodeId GrammarBuilder::OneLiteral(std::vector<std::string> texts, GrammarNodeId next) {
  std::sort(texts.begin(), texts.end());
  texts.erase(std::unique(texts.begin(), texts.end()), texts.end());
  return OneLiteralFrom(texts, 0, texts.size(), 0, next);
}

// Texts [begin, end) agree in their first `depth` bytes. A text that is the beginning of others comes first of them. What all go on with is
// one literal, behind which they part: calls nest as deep as there are texts, however long these are.
GrammarNodeId GrammarBuilder::OneLiteralFrom(const std::vector<std::string>& texts, size_t begin, size_t end, size_t depth,
                                             GrammarNodeId next) {
  const std::string& first = texts[begin];
  const std::string& last = texts[end - 1];
  const auto differ = std::mismatch(first.begin(), first.end(), last.begin(), last.end()).first;
  const size_t parting = static_cast<size_t>(differ - first.begin());
  const absl::string_view common = absl::string_view(first).substr(depth, parting - depth);
  std::vector<GrammarNodeId> alternatives;
  if (first.size() == parting) {
    alternatives.push_back(next);
    ++begin;
  }
  while (begin < end && !full_) {
    size_t same = begin;
    while (same < end && texts[same][parting] == texts[begin][parting]) ++same;
    alternatives.push_back(OneLiteralFrom(texts, begin, same, parting, next));
    begin = same;
  }
  return Literal(common, AnyOf(alternatives));
}

GrammarNodeId GrammarBuilder::Call(GrammarRuleId rule, GrammarNodeId next) {
  GrammarNode node;
  node.kind = GrammarNode::Kind::kCall;
  node.value = rule;
  node.next = next;
  return Add(node);
}

GrammarNodeId GrammarBuilder::Star(const Part& part, GrammarNodeId next) {
  GrammarNode node;
  node.kind = GrammarNode::Kind::kSplit;
  const GrammarNodeId id = Add(node);
  SetEdges(id, {part(id), next});
  return id;
}

GrammarNodeId GrammarBuilder::Repeat(int64_t min, int64_t max, const Part& part, GrammarNodeId next) {
  if (max < 0) {
    next = Star(part, next);
  } else {
    const GrammarNodeId end = next;
    for (int64_t i = min; i < max && !full_; ++i) next = AnyOf({part(next), end});
  }
  for (int64_t i = 0; i < min && !full_; ++i) next = part(next);
  return next;
}

GrammarRuleId GrammarBuilder::DeclareRule() {
  grammar_.rules_.push_back(0);
  return static_cast<GrammarRuleId>(grammar_.rules_.size() - 1);
}

void GrammarBuilder::DefineRule(GrammarRuleId rule, GrammarNodeId start) { grammar_.rules_[static_cast<size_t>(rule)] = start; }

int32_t GrammarBuilder::NeedOf(const GrammarNode& node) const {
  const auto need = [this](GrammarNodeId id) { return grammar_.node(id).need; };
  switch (node.kind) {
    case GrammarNode::Kind::kReturn:
      return 0;
    case GrammarNode::Kind::kBytes:
    case GrammarNode::Kind::kToken:
      return need(node.next);
    case GrammarNode::Kind::kSplit: {
      int32_t least = kNever;
      for (int32_t i = 0; i < node.edges; ++i) least = std::min(least, need(grammar_.edge(node.value + i)));
      return least;
    }
    case GrammarNode::Kind::kCall:
      return std::min(kNever, std::max(1 + need(grammar_.rule_start(node.value)), need(node.next)));
  }
  return kNever;
}

// The least fixed point from above. A node's successors mostly come before it, so a pass settles all that do not wait for a rule, and each
// further nesting level takes one pass.
void GrammarBuilder::ComputeNeeds() {
  for (GrammarNode& node : grammar_.nodes_) node.need = kNever;
  for (int pass = 0; pass <= 2 * kNever; ++pass) {
    bool changed = false;
    for (GrammarNode& node : grammar_.nodes_) {
      const int32_t need = NeedOf(node);
      changed = changed || need != node.need;
      node.need = need;
    }
    if (!changed) return;
  }
}

absl::StatusOr<Grammar> GrammarBuilder::Build(GrammarNodeId start) {
  if (full_) return absl::InvalidArgumentError(absl::StrCat("is too large: it needs more than ", Grammar::kNodesMax, " grammar nodes"));
  ComputeNeeds();
  grammar_.start_ = start;
  if (grammar_.node(start).need > Grammar::kNestingMax) {
    return absl::InvalidArgumentError(absl::StrCat("admits no text that ends within ", Grammar::kNestingMax, " levels"));
  }
  return std::move(grammar_);
}

}  // namespace baleen
