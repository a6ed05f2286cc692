#include "model/sampling/grammar/string_formats.h"

#include <string>
#include <vector>

namespace baleen {
namespace {

class FormatGrammar {
 public:
  FormatGrammar(JsonGrammar* json, GrammarBuilder* builder) : json_(*json), b_(*builder) {}

  GrammarNodeId Date(GrammarNodeId next);
  GrammarNodeId Time(GrammarNodeId next);
  GrammarNodeId DateTime(GrammarNodeId next) { return Date(b_.Byte('T', 'T', Time(next))); }
  GrammarNodeId Uuid(GrammarNodeId next);
  GrammarNodeId Ipv4(GrammarNodeId next);

 private:
  GrammarNodeId LeapYear(GrammarNodeId next);
  GrammarNodeId Clock(GrammarNodeId next) { return json_.Digits("00", "23", b_.Byte(':', ':', json_.Digits("00", "59", next))); }

  JsonGrammar& json_;
  GrammarBuilder& b_;
};

// Divisible by 4, and by 400 if by 100; not 0.
GrammarNodeId FormatGrammar::LeapYear(GrammarNodeId next) {
  std::vector<std::string> fours;
  for (int i = 4; i < 100; i += 4) fours.push_back((i < 10 ? "0" : "") + std::to_string(i));
  return b_.AnyOf({json_.Digits("00", "99", b_.OneLiteral(fours, next)), b_.OneLiteral(fours, b_.Literal("00", next))});
}

GrammarNodeId FormatGrammar::Date(GrammarNodeId next) {
  const auto months = [this, next](std::vector<std::string> names, const std::string& last) {
    return b_.OneLiteral(std::move(names), b_.Byte('-', '-', json_.Digits("01", last, next)));
  };
  const GrammarNodeId month =
      b_.AnyOf({months({"01", "03", "05", "07", "08", "10", "12"}, "31"), months({"04", "06", "09", "11"}, "30"), months({"02"}, "28")});
  return b_.AnyOf({json_.Digits("0001", "9999", b_.Byte('-', '-', month)), LeapYear(b_.Literal("-02-29", next))});
}

GrammarNodeId FormatGrammar::Time(GrammarNodeId next) {
  const GrammarNodeId offset = Clock(next);
  const GrammarNodeId zone = b_.AnyOf({b_.Byte('Z', 'Z', next), b_.Byte('+', '+', offset), b_.Byte('-', '-', offset)});
  const auto digit = [this](GrammarNodeId after) { return b_.Byte('0', '9', after); };
  const GrammarNodeId fraction = b_.AnyOf({b_.Byte('.', '.', b_.Repeat(1, 9, digit, zone)), zone});
  return Clock(b_.Byte(':', ':', json_.Digits("00", "59", fraction)));
}

GrammarNodeId FormatGrammar::Uuid(GrammarNodeId next) {
  const auto hex = [this](GrammarNodeId after) {
    return b_.AnyOf({b_.Byte('0', '9', after), b_.Byte('a', 'f', after), b_.Byte('A', 'F', after)});
  };
  GrammarNodeId node = b_.Repeat(12, 12, hex, next);
  for (const int64_t digits : {4, 4, 4, 8}) node = b_.Repeat(digits, digits, hex, b_.Byte('-', '-', node));
  return node;
}

GrammarNodeId FormatGrammar::Ipv4(GrammarNodeId next) {
  GrammarNodeId node = json_.Integers(0, 255, next);
  for (int i = 0; i < 3; ++i) node = json_.Integers(0, 255, b_.Byte('.', '.', node));
  return node;
}

}  // namespace

absl::optional<GrammarNodeId> AddStringFormat(absl::string_view format, JsonGrammar* json, GrammarBuilder* builder, GrammarNodeId next) {
  FormatGrammar grammar(json, builder);
  if (format == "date") return grammar.Date(next);
  if (format == "time") return grammar.Time(next);
  if (format == "date-time") return grammar.DateTime(next);
  if (format == "uuid") return grammar.Uuid(next);
  if (format == "ipv4") return grammar.Ipv4(next);
  return absl::nullopt;
}

}  // namespace baleen
