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
  GrammarNodeId Duration(GrammarNodeId next);
  GrammarNodeId Uuid(GrammarNodeId next);
  GrammarNodeId Ipv4(GrammarNodeId next);
  GrammarNodeId Ipv6(GrammarNodeId next);
  GrammarNodeId Hostname(GrammarNodeId next) { return b_.AnyOf({Label(next), Domain(next)}); }
  GrammarNodeId Email(GrammarNodeId next) { return Words(".+_-", b_.Byte('@', '@', Domain(next))); }

 private:
  GrammarNodeId Hex(GrammarNodeId next) { return b_.AnyOf({b_.Byte('0', '9', next), b_.Byte('a', 'f', next), b_.Byte('A', 'F', next)}); }
  GrammarNodeId Digit(GrammarNodeId next) { return b_.Byte('0', '9', next); }
  GrammarNodeId Amount(uint8_t unit, GrammarNodeId next);
  GrammarNodeId Group(GrammarNodeId next);
  GrammarNodeId Words(absl::string_view marks, GrammarNodeId next);
  GrammarNodeId Label(GrammarNodeId next) { return Words("-", next); }
  GrammarNodeId Domain(GrammarNodeId next);
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
  const auto digit = [this](GrammarNodeId after) { return Digit(after); };
  const GrammarNodeId fraction = b_.AnyOf({b_.Byte('.', '.', b_.Repeat(1, 9, digit, zone)), zone});
  return Clock(b_.Byte(':', ':', json_.Digits("00", "59", fraction)));
}

GrammarNodeId FormatGrammar::Amount(uint8_t unit, GrammarNodeId next) {
  const auto digit = [this](GrammarNodeId after) { return Digit(after); };
  return b_.Repeat(1, 9, digit, b_.Byte(unit, unit, next));
}

// Units come in order and none between two is left out (RFC 3339, appendix A).
GrammarNodeId FormatGrammar::Duration(GrammarNodeId next) {
  const GrammarNodeId second = Amount('S', next);
  const GrammarNodeId minute = Amount('M', b_.AnyOf({second, next}));
  const GrammarNodeId hour = Amount('H', b_.AnyOf({minute, next}));
  const GrammarNodeId time = b_.Byte('T', 'T', b_.AnyOf({hour, minute, second}));
  const GrammarNodeId day = Amount('D', b_.AnyOf({time, next}));
  const GrammarNodeId month = Amount('M', b_.AnyOf({day, time, next}));
  const GrammarNodeId year = Amount('Y', b_.AnyOf({month, time, next}));
  return b_.Byte('P', 'P', b_.AnyOf({year, month, day, time, Amount('W', next)}));
}

GrammarNodeId FormatGrammar::Uuid(GrammarNodeId next) {
  const auto hex = [this](GrammarNodeId after) { return Hex(after); };
  GrammarNodeId node = b_.Repeat(12, 12, hex, next);
  for (const int64_t digits : {4, 4, 4, 8}) node = b_.Repeat(digits, digits, hex, b_.Byte('-', '-', node));
  return node;
}

GrammarNodeId FormatGrammar::Ipv4(GrammarNodeId next) {
  GrammarNodeId node = json_.Integers(0, 255, next);
  for (int i = 0; i < 3; ++i) node = json_.Integers(0, 255, b_.Byte('.', '.', node));
  return node;
}

GrammarNodeId FormatGrammar::Group(GrammarNodeId next) {
  const auto hex = [this](GrammarNodeId after) { return Hex(after); };
  return b_.Repeat(1, 4, hex, next);
}

// Eight groups, or fewer with "::" for those left out.
GrammarNodeId FormatGrammar::Ipv6(GrammarNodeId next) {
  const auto colon_group = [this](GrammarNodeId after) { return b_.Byte(':', ':', Group(after)); };
  const auto gap = [&](int64_t groups) {
    const GrammarNodeId some = groups == 0 ? next : b_.AnyOf({next, Group(b_.Repeat(0, groups - 1, colon_group, next))});
    return b_.Literal("::", some);
  };
  GrammarNodeId after = next;
  for (int64_t before = 7; before > 0; --before) after = b_.AnyOf({colon_group(after), gap(7 - before)});
  return b_.AnyOf({Group(after), gap(7)});
}

// At most 49 characters: letters and digits, between any two of them at most one mark. So hosts and addresses stay within their limits.
GrammarNodeId FormatGrammar::Words(absl::string_view marks, GrammarNodeId next) {
  const auto plain = [this](GrammarNodeId after) { return b_.AnyOf({Digit(after), b_.Byte('a', 'z', after), b_.Byte('A', 'Z', after)}); };
  const auto further = [&](GrammarNodeId after) {
    const GrammarNodeId node = plain(after);
    std::vector<GrammarNodeId> ways = {node};
    for (const char mark : marks) ways.push_back(b_.Byte(static_cast<uint8_t>(mark), static_cast<uint8_t>(mark), node));
    return b_.AnyOf(ways);
  };
  return plain(b_.Repeat(0, 24, further, next));
}

// Two to four labels.
GrammarNodeId FormatGrammar::Domain(GrammarNodeId next) {
  const auto label = [this](GrammarNodeId after) { return b_.Byte('.', '.', Label(after)); };
  return Label(b_.Repeat(1, 3, label, next));
}

}  // namespace

absl::optional<GrammarNodeId> AddStringFormat(absl::string_view format, JsonGrammar* json, GrammarBuilder* builder, GrammarNodeId next) {
  FormatGrammar grammar(json, builder);
  if (format == "date") return grammar.Date(next);
  if (format == "time") return grammar.Time(next);
  if (format == "date-time") return grammar.DateTime(next);
  if (format == "duration") return grammar.Duration(next);
  if (format == "uuid") return grammar.Uuid(next);
  if (format == "ipv4") return grammar.Ipv4(next);
  if (format == "ipv6") return grammar.Ipv6(next);
  if (format == "hostname") return grammar.Hostname(next);
  if (format == "email") return grammar.Email(next);
  return absl::nullopt;
}

}  // namespace baleen
