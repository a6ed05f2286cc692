#include "model/sampling/grammar/json_grammar.h"

#include <algorithm>

namespace baleen {
namespace {

constexpr int64_t kDigitsMax = 16;
constexpr int64_t kIndentMax = 20;

// The well-formed byte sequences of more than one byte (Unicode 15, table 3-7), surrogates left out as there.
constexpr uint8_t kUtf8[][4][2] = {
    {{0xC2, 0xDF}, {0x80, 0xBF}},
    {{0xE0, 0xE0}, {0xA0, 0xBF}, {0x80, 0xBF}},
    {{0xE1, 0xEC}, {0x80, 0xBF}, {0x80, 0xBF}},
    {{0xED, 0xED}, {0x80, 0x9F}, {0x80, 0xBF}},
    {{0xEE, 0xEF}, {0x80, 0xBF}, {0x80, 0xBF}},
    {{0xF0, 0xF0}, {0x90, 0xBF}, {0x80, 0xBF}, {0x80, 0xBF}},
    {{0xF1, 0xF3}, {0x80, 0xBF}, {0x80, 0xBF}, {0x80, 0xBF}},
    {{0xF4, 0xF4}, {0x80, 0x8F}, {0x80, 0xBF}, {0x80, 0xBF}},
};

}  // namespace

JsonGrammar::JsonGrammar(GrammarBuilder* builder) : builder_(builder) {
  for (GrammarRuleId* rule : {&space_, &value_, &object_, &array_, &string_, &number_, &integer_, &character_}) {
    *rule = builder_->DeclareRule();
  }
  const GrammarNodeId end = builder_->Return();
  const auto blank = [this](GrammarNodeId next) {
    return builder_->AnyOf({builder_->Byte(' ', ' ', next), builder_->Byte('\t', '\t', next)});
  };
  builder_->DefineRule(space_, builder_->AnyOf({end, builder_->Byte(' ', ' ', end),
                                                builder_->Byte('\n', '\n', builder_->Repeat(0, kIndentMax, blank, end))}));
  builder_->DefineRule(character_, Character(end));
  const auto character = [this](GrammarNodeId next) { return builder_->Call(character_, next); };
  builder_->DefineRule(string_, builder_->Byte('"', '"', builder_->Star(character, builder_->Byte('"', '"', end))));
  builder_->DefineRule(integer_, Integer(end));
  builder_->DefineRule(number_, Number(end));
  builder_->DefineRule(array_, Array(value_, 0, -1, end));
  builder_->DefineRule(object_, Map(value_, end));
  builder_->DefineRule(value_, builder_->AnyOf({builder_->Call(object_, end), builder_->Call(array_, end), builder_->Call(string_, end),
                                                builder_->Call(number_, end), builder_->OneLiteral({"true", "false", "null"}, end)}));
}

GrammarNodeId JsonGrammar::Character(GrammarNodeId next) {
  GrammarBuilder& b = *builder_;
  const auto hex = [&b](GrammarNodeId after) {
    return b.AnyOf({b.Byte('0', '9', after), b.Byte('a', 'f', after), b.Byte('A', 'F', after)});
  };
  const GrammarNodeId two = hex(hex(next));
  const GrammarNodeId three = hex(two);
  const GrammarNodeId below_surrogates = b.Byte('0', '7', two);
  const GrammarNodeId unit = b.AnyOf({b.Byte('0', '9', three), b.Byte('a', 'c', three), b.Byte('A', 'C', three), b.Byte('e', 'f', three),
                                      b.Byte('E', 'F', three), b.Byte('d', 'd', below_surrogates), b.Byte('D', 'D', below_surrogates)});
  std::vector<GrammarNodeId> escapes = {b.Byte('u', 'u', unit)};
  for (const char escaped : {'"', '\\', '/', 'b', 'f', 'n', 'r', 't'}) escapes.push_back(b.Literal(absl::string_view(&escaped, 1), next));
  std::vector<GrammarNodeId> all = {b.Byte(0x20, 0x21, next), b.Byte(0x23, 0x5B, next), b.Byte(0x5D, 0x7F, next),
                                    b.Byte('\\', '\\', b.AnyOf(escapes))};
  for (const auto& ranges : kUtf8) {
    GrammarNodeId node = next;
    for (int i = 3; i >= 0; --i) {
      if (ranges[i][1] != 0) node = b.Byte(ranges[i][0], ranges[i][1], node);
    }
    all.push_back(node);
  }
  return b.AnyOf(all);
}

GrammarNodeId JsonGrammar::Integer(GrammarNodeId next) {
  GrammarBuilder& b = *builder_;
  const auto digit = [&b](GrammarNodeId after) { return b.Byte('0', '9', after); };
  const GrammarNodeId natural = b.AnyOf({b.Byte('0', '0', next), b.Byte('1', '9', b.Repeat(0, kDigitsMax - 1, digit, next))});
  return b.AnyOf({b.Byte('-', '-', natural), natural});
}

GrammarNodeId JsonGrammar::Number(GrammarNodeId next) {
  GrammarBuilder& b = *builder_;
  const auto digit = [&b](GrammarNodeId after) { return b.Byte('0', '9', after); };
  // Two digits keep every number within a double's range.
  const GrammarNodeId power = b.Repeat(1, 2, digit, next);
  const GrammarNodeId sign = b.AnyOf({b.Byte('+', '+', power), b.Byte('-', '-', power), power});
  const GrammarNodeId exponent = b.AnyOf({b.Byte('e', 'e', sign), b.Byte('E', 'E', sign), next});
  const GrammarNodeId fraction = b.AnyOf({b.Byte('.', '.', b.Repeat(1, kDigitsMax, digit, exponent)), exponent});
  return Integer(fraction);
}

GrammarNodeId JsonGrammar::Spaced(uint8_t byte, GrammarNodeId next) { return builder_->Byte(byte, byte, builder_->Call(space_, next)); }

GrammarNodeId JsonGrammar::Array(GrammarRuleId item, int64_t min, int64_t max, GrammarNodeId next) {
  GrammarBuilder& b = *builder_;
  const GrammarNodeId close = b.Byte(']', ']', next);
  if (max == 0) return Spaced('[', close);
  const auto one = [&](GrammarNodeId after) { return b.Call(item, b.Call(space_, after)); };
  const auto further = [&](GrammarNodeId after) { return Spaced(',', one(after)); };
  const GrammarNodeId some = one(b.Repeat(std::max<int64_t>(min - 1, 0), max < 0 ? -1 : max - 1, further, close));
  return Spaced('[', min > 0 ? some : b.AnyOf({some, close}));
}

GrammarNodeId JsonGrammar::Map(GrammarRuleId value, GrammarNodeId next) {
  GrammarBuilder& b = *builder_;
  const GrammarNodeId close = b.Byte('}', '}', next);
  const auto member = [&](GrammarNodeId after) {
    return b.Call(string_, b.Call(space_, Spaced(':', b.Call(value, b.Call(space_, after)))));
  };
  const auto further = [&](GrammarNodeId after) { return Spaced(',', member(after)); };
  return Spaced('{', b.AnyOf({member(b.Star(further, close)), close}));
}

GrammarNodeId JsonGrammar::Integers(int64_t low, int64_t high, GrammarNodeId next) {
  std::vector<GrammarNodeId> parts;
  if (high >= 0) parts.push_back(Magnitudes(static_cast<uint64_t>(std::max<int64_t>(low, 0)), static_cast<uint64_t>(high), next));
  if (low < 0) {
    const uint64_t least = high < 0 ? static_cast<uint64_t>(-high) : 1;
    parts.push_back(builder_->Byte('-', '-', Magnitudes(least, static_cast<uint64_t>(-low), next)));
  }
  return builder_->AnyOf(parts);
}

// One alternative for each number of digits.
GrammarNodeId JsonGrammar::Magnitudes(uint64_t low, uint64_t high, GrammarNodeId next) {
  std::vector<GrammarNodeId> parts;
  const size_t least = std::to_string(low).size();
  const size_t most = std::to_string(high).size();
  for (size_t digits = least; digits <= most; ++digits) {
    const std::string from = digits == least ? std::to_string(low) : "1" + std::string(digits - 1, '0');
    const std::string to = digits == most ? std::to_string(high) : std::string(digits, '9');
    parts.push_back(Digits(from, to, next));
  }
  return builder_->AnyOf(parts);
}

GrammarNodeId JsonGrammar::Digits(const std::string& low, const std::string& high, GrammarNodeId next) {
  if (low.empty()) return next;
  GrammarBuilder& b = *builder_;
  const std::string zeros(low.size() - 1, '0');
  const std::string nines(low.size() - 1, '9');
  const std::string low_rest = low.substr(1);
  const std::string high_rest = high.substr(1);
  const auto byte = [](char digit) { return static_cast<uint8_t>(digit); };
  const auto digit = [&b](GrammarNodeId after) { return b.Byte('0', '9', after); };
  if (low[0] == high[0]) return b.Byte(byte(low[0]), byte(low[0]), Digits(low_rest, high_rest, next));
  char first = low[0];
  char last = high[0];
  std::vector<GrammarNodeId> parts;
  if (low_rest != zeros) parts.push_back(b.Byte(byte(first), byte(first), Digits(low_rest, nines, next))), ++first;
  if (high_rest != nines) parts.push_back(b.Byte(byte(last), byte(last), Digits(zeros, high_rest, next))), --last;
  const int64_t rest = static_cast<int64_t>(low_rest.size());
  if (first <= last) parts.push_back(b.Byte(byte(first), byte(last), b.Repeat(rest, rest, digit, next)));
  return b.AnyOf(parts);
}

}  // namespace baleen
