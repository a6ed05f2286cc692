#include "model/tokenizer/split_steps.h"

#include <boost/json.hpp>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "base/status_macros.h"
#include "model/tokenizer/split_regex.h"

namespace baleen {
namespace {

namespace json = boost::json;

constexpr size_t kStepsMax = 64;
// ByteLevel's own regex (GPT-2's).
constexpr char kGpt2Pattern[] = R"('s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+)";

absl::string_view StringOr(const json::object& object, const char* name, absl::string_view otherwise) {
  const json::value* value = object.if_contains(name);
  if (value == nullptr || !value->is_string()) return otherwise;
  return {value->get_string().data(), value->get_string().size()};
}

bool BoolOr(const json::object& object, const char* name, bool otherwise) {
  const json::value* value = object.if_contains(name);
  return value == nullptr || !value->is_bool() ? otherwise : value->get_bool();
}

absl::Status Bad(const std::string& field, absl::string_view problem) {
  return absl::InvalidArgumentError(absl::StrCat(field, ": ", problem));
}

absl::Status Unsupported(const std::string& field, absl::string_view problem) {
  return absl::UnimplementedError(absl::StrCat(field, ": ", problem));
}

absl::StatusOr<std::string> SplitPattern(const json::object& step, const std::string& field) {
  if (StringOr(step, "behavior", "") != "Isolated") return Unsupported(field + ".behavior", "only \"Isolated\" is supported");
  if (BoolOr(step, "invert", false)) return Unsupported(field + ".invert", "only false is supported");
  const json::value* value = step.if_contains("pattern");
  const json::object* pattern = value == nullptr ? nullptr : value->if_object();
  if (pattern == nullptr) return Bad(field + ".pattern", "must be an object with Regex or String");
  if (const absl::string_view regex = StringOr(*pattern, "Regex", ""); !regex.empty()) return std::string(regex);
  if (const absl::string_view literal = StringOr(*pattern, "String", ""); !literal.empty()) return QuoteRegex(literal);
  return Bad(field + ".pattern", "must have a Regex or a String that is not empty");
}

absl::Status AppendStep(const json::value& value, const std::string& field, bool last, std::vector<std::string>* patterns) {
  const json::object* step = value.if_object();
  if (step == nullptr) return Bad(field, "must be an object");
  const absl::string_view type = StringOr(*step, "type", "");
  if (last != (type == "ByteLevel")) return Unsupported(field, "a ByteLevel step must come last, and only there");
  if (type == "ByteLevel") {
    if (BoolOr(*step, "add_prefix_space", true)) return Unsupported(field + ".add_prefix_space", "only false is supported");
    if (BoolOr(*step, "use_regex", true)) patterns->push_back(kGpt2Pattern);
    return absl::OkStatus();
  }
  if (type == "Digits") {
    patterns->push_back(BoolOr(*step, "individual_digits", false) ? "\\p{N}" : "\\p{N}+");
    return absl::OkStatus();
  }
  if (type != "Split") return Unsupported(field + ".type", absl::StrCat("\"", type.substr(0, 64), "\" is not supported"));
  ASSIGN_OR_RETURN(std::string pattern, SplitPattern(*step, field));
  patterns->push_back(std::move(pattern));
  return absl::OkStatus();
}

}  // namespace

absl::StatusOr<std::vector<std::string>> ReadSplitSteps(const json::object& root) {
  const json::value* value = root.if_contains("pre_tokenizer");
  const json::object* top = value == nullptr ? nullptr : value->if_object();
  if (top == nullptr) return Bad("pre_tokenizer", "must be an object");
  std::vector<std::string> patterns;
  if (StringOr(*top, "type", "") != "Sequence") {
    RETURN_IF_ERROR(AppendStep(*value, "pre_tokenizer", true, &patterns));
    return patterns;
  }
  const json::value* steps = top->if_contains("pretokenizers");
  if (steps == nullptr || !steps->is_array() || steps->get_array().empty() || steps->get_array().size() > kStepsMax) {
    return Bad("pre_tokenizer.pretokenizers", absl::StrCat("must be a list of 1 to ", kStepsMax, " steps"));
  }
  const json::array& list = steps->get_array();
  for (size_t i = 0; i < list.size(); ++i) {
    RETURN_IF_ERROR(AppendStep(list[i], absl::StrCat("pre_tokenizer.pretokenizers[", i, "]"), i + 1 == list.size(), &patterns));
  }
  return patterns;
}

}  // namespace baleen
