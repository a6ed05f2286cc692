// JSON's own grammar (RFC 8259) as parts of a byte grammar: UTF-8 only, no lone surrogates, little white space, short numbers.
#ifndef BALEEN_MODEL_SAMPLING_GRAMMAR_JSON_GRAMMAR_H_
#define BALEEN_MODEL_SAMPLING_GRAMMAR_JSON_GRAMMAR_H_

#include <cstdint>
#include <string>

#include "model/sampling/grammar/grammar.h"

namespace baleen {

// Adds its rules to a builder, which outlives it. What it admits is a part of JSON that a model cannot lose itself in: between tokens
// nothing, a space, or a newline and up to 20 blanks; numbers of at most 16 digits before and after the point. Thread-compatible.
class JsonGrammar {
 public:
  explicit JsonGrammar(GrammarBuilder* builder);

  GrammarRuleId space() const { return space_; }
  GrammarRuleId value() const { return value_; }
  GrammarRuleId object() const { return object_; }
  GrammarRuleId array() const { return array_; }
  GrammarRuleId string() const { return string_; }
  GrammarRuleId number() const { return number_; }
  GrammarRuleId integer() const { return integer_; }
  // One character of a string, escaped or not.
  GrammarRuleId character() const { return character_; }

  // "[" item ("," item)* "]" with at least `min` items, at most `max` unless negative.
  GrammarNodeId Array(GrammarRuleId item, int64_t min, int64_t max, GrammarNodeId next);
  // "{" key ":" value pairs "}" with any keys, also none.
  GrammarNodeId Map(GrammarRuleId value, GrammarNodeId next);
  // The decimal integers in [low, high], both within ±(10^16 - 1); low <= high.
  GrammarNodeId Integers(int64_t low, int64_t high, GrammarNodeId next);
  // The strings of as many digits from `low` to `high`, both of one length.
  GrammarNodeId Digits(const std::string& low, const std::string& high, GrammarNodeId next);

 private:
  GrammarNodeId Character(GrammarNodeId next);
  GrammarNodeId Integer(GrammarNodeId next);
  GrammarNodeId Number(GrammarNodeId next);
  GrammarNodeId Spaced(uint8_t byte, GrammarNodeId next);
  GrammarNodeId Magnitudes(uint64_t low, uint64_t high, GrammarNodeId next);

  GrammarBuilder* const builder_;
  GrammarRuleId space_, value_, object_, array_, string_, number_, integer_, character_;
};

}  // namespace baleen

#endif  // BALEEN_MODEL_SAMPLING_GRAMMAR_JSON_GRAMMAR_H_
