// Context-free grammars over bytes and tokens, as a network of nodes: what constrained decoding follows.
#ifndef BALEEN_MODEL_SAMPLING_GRAMMAR_GRAMMAR_H_
#define BALEEN_MODEL_SAMPLING_GRAMMAR_GRAMMAR_H_

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"

namespace baleen {

using GrammarNodeId = int32_t;
using GrammarRuleId = int32_t;

struct GrammarNode {
  enum class Kind : uint8_t {
    kBytes,   // One byte in [low, high], then `next`.
    kToken,   // The token `value`, then `next`.
    kSplit,   // Any of edges [value, value + edges).
    kCall,    // The rule `value`, then `next`.
    kReturn,  // The end of a rule, or of the text.
  };
  Kind kind = Kind::kReturn;
  uint8_t low = 0;
  uint8_t high = 0;
  int32_t value = 0;
  int32_t edges = 0;
  GrammarNodeId next = 0;
  // Nested calls that must still fit when the text is to end from here.
  int32_t need = 0;
};

// Immutable, thread-safe. From every node that can be reached under the nesting limit the text can end.
class Grammar {
 public:
  static constexpr int kNestingMax = 64;
  static constexpr size_t kNodesMax = 1 << 16;

  const GrammarNode& node(GrammarNodeId id) const { return nodes_[static_cast<size_t>(id)]; }
  GrammarNodeId edge(int32_t index) const { return edges_[static_cast<size_t>(index)]; }
  GrammarNodeId rule_start(GrammarRuleId rule) const { return rules_[static_cast<size_t>(rule)]; }
  GrammarNodeId start() const { return start_; }
  size_t size() const { return nodes_.size(); }

 private:
  friend class GrammarBuilder;
  std::vector<GrammarNode> nodes_;
  std::vector<GrammarNodeId> edges_;
  std::vector<GrammarNodeId> rules_;
  GrammarNodeId start_ = 0;
};

// Builds from the end to the start: each call gives the node that a text enters, and takes the one that follows. Thread-compatible.
class GrammarBuilder {
 public:
  using Part = std::function<GrammarNodeId(GrammarNodeId next)>;

  GrammarBuilder();

  GrammarNodeId Return() const { return 0; }
  GrammarNodeId Byte(uint8_t low, uint8_t high, GrammarNodeId next);
  GrammarNodeId Literal(absl::string_view text, GrammarNodeId next);
  GrammarNodeId Token(int32_t id, GrammarNodeId next);
  GrammarNodeId AnyOf(const std::vector<GrammarNodeId>& alternatives);
  // One of some texts; those with common beginnings share nodes.
  GrammarNodeId OneLiteral(std::vector<std::string> texts, GrammarNodeId next);
  GrammarNodeId Call(GrammarRuleId rule, GrammarNodeId next);
  GrammarNodeId Optional(const Part& part, GrammarNodeId next) { return AnyOf({part(next), next}); }
  // As often as wanted, also never.
  GrammarNodeId Star(const Part& part, GrammarNodeId next);
  // At least `min` times; at most `max` unless that is negative.
  GrammarNodeId Repeat(int64_t min, int64_t max, const Part& part, GrammarNodeId next);

  // A rule may be called before it is defined.
  GrammarRuleId DeclareRule();
  void DefineRule(GrammarRuleId rule, GrammarNodeId start);

  bool full() const { return full_; }
  // INVALID_ARGUMENT when there are too many nodes, or no text of the grammar ends within the nesting limit.
  absl::StatusOr<Grammar> Build(GrammarNodeId start);

 private:
  GrammarNodeId Add(const GrammarNode& node);
  void SetEdges(GrammarNodeId split, const std::vector<GrammarNodeId>& alternatives);
  GrammarNodeId OneLiteralFrom(const std::vector<std::string>& texts, size_t begin, size_t end, size_t depth, GrammarNodeId next);
  int32_t NeedOf(const GrammarNode& node) const;
  void ComputeNeeds();

  Grammar grammar_;
  bool full_ = false;
};

}  // namespace baleen

#endif  // BALEEN_MODEL_SAMPLING_GRAMMAR_GRAMMAR_H_
