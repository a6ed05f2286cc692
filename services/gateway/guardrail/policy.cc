#include "services/gateway/guardrail/policy.h"

#include <boost/json.hpp>
#include <cstdlib>
#include <set>
#include <utility>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "base/status_macros.h"
#include "services/common/log.h"
#include "services/gateway/guardrail/checks.h"
#include "services/gateway/guardrail/default_policy.h"

namespace baleen {
namespace {

namespace json = boost::json;

constexpr size_t kMaxRules = 256;
constexpr size_t kMaxPatternBytes = 4096;
constexpr size_t kMaxNameBytes = 64;
constexpr int64_t kMaxMinBytes = 256;
constexpr int64_t kMaxPatternMemory = 1 << 20;

absl::Status Wrong(const std::string& rule, absl::string_view what) {
  return absl::InvalidArgumentError(absl::StrCat("guardrail policy: rule '", rule, "': ", what));
}

absl::StatusOr<std::string> Text(const json::object& object, const std::string& rule, const char* field, bool required) {
  const json::value* value = object.if_contains(field);
  if (value == nullptr && !required) return "";
  if (value == nullptr || !value->is_string() || value->as_string().empty())
    return Wrong(rule, absl::StrCat("'", field, "' must be a text"));
  return std::string(value->as_string());
}

bool IsName(absl::string_view name) {
  if (name.empty() || name.size() > kMaxNameBytes) return false;
  for (const char c : name) {
    if (!absl::ascii_islower(c) && !absl::ascii_isdigit(c) && c != '_') return false;
  }
  return true;
}

absl::StatusOr<std::unique_ptr<const RE2>> Compile(const std::string& rule, const std::string& pattern) {
  if (pattern.size() > kMaxPatternBytes) return Wrong(rule, absl::StrCat("a pattern has at most ", kMaxPatternBytes, " bytes"));
  RE2::Options options;
  options.set_log_errors(false);
  options.set_max_mem(kMaxPatternMemory);
  auto compiled = std::make_unique<const RE2>(pattern, options);
  if (!compiled->ok()) return Wrong(rule, absl::StrCat("RE2 refuses the pattern: ", compiled->error()));
  if (RE2::FullMatch("", *compiled)) return Wrong(rule, "the pattern matches the empty text");
  return compiled;
}

absl::StatusOr<ByteClass> ReadRun(const std::string& rule, const std::string& characters) {
  ASSIGN_OR_RETURN(const std::unique_ptr<const RE2> one, Compile(rule, characters));
  ByteClass run;
  for (int c = 0; c < 128; ++c) run[static_cast<size_t>(c)] = RE2::FullMatch(std::string(1, static_cast<char>(c)), *one);
  if (run.none()) return Wrong(rule, "'run' must be a class of ASCII characters, such as [0-9 -]");
  return run;
}

absl::Status ReadSubjects(const json::object& object, GuardRule* rule) {
  const json::value* on = object.if_contains("on");
  if (on == nullptr || !on->is_array() || on->as_array().empty()) return Wrong(rule->name, "'on' must list prompt, output or both");
  for (const json::value& subject : on->as_array()) {
    if (subject == "prompt") {
      rule->on_prompt = true;
    } else if (subject == "output") {
      rule->on_output = true;
    } else {
      return Wrong(rule->name, "'on' must list prompt, output or both");
    }
  }
  if (rule->on_output && !rule->has_run)
    return Wrong(rule->name, "needs a 'run' on output: without one no text could go out before its end");
  return absl::OkStatus();
}

absl::Status ReadChoices(const json::object& object, GuardRule* rule) {
  ASSIGN_OR_RETURN(const std::string action, Text(object, rule->name, "action", true));
  if (action != "block" && action != "note") return Wrong(rule->name, "'action' must be block or note");
  rule->action = action == "block" ? GuardAction::kBlock : GuardAction::kNote;
  ASSIGN_OR_RETURN(const std::string check, Text(object, rule->name, "check", false));
  if (!check.empty() && check != "luhn" && check != "iban") return Wrong(rule->name, "'check' must be luhn or iban");
  // Each match that fails its check is followed by another search: within a run's window that is little, in a long prompt it is not.
  if (!check.empty() && !rule->has_run) return Wrong(rule->name, "'check' goes with a 'run'");
  if (!check.empty()) rule->check = check == "luhn" ? GuardCheck::kLuhn : GuardCheck::kIban;
  return absl::OkStatus();
}

absl::Status ReadMinBytes(const json::object& object, GuardRule* rule) {
  const json::value* value = object.if_contains("min_bytes");
  if (value == nullptr) return absl::OkStatus();
  if (!rule->has_run || !value->is_int64() || value->as_int64() < 1 || value->as_int64() > kMaxMinBytes)
    return Wrong(rule->name, absl::StrCat("'min_bytes' goes with a 'run' and is from 1 to ", kMaxMinBytes));
  rule->min_bytes = static_cast<size_t>(value->as_int64());
  return absl::OkStatus();
}

absl::Status CheckFields(const json::object& object, const std::string& rule) {
  static const std::set<std::string> kKnown = {"name", "category", "on", "action", "pattern", "run", "min_bytes", "check"};
  for (const auto& field : object) {
    if (kKnown.count(std::string(field.key())) == 0) return Wrong(rule, absl::StrCat("there is no field '", std::string(field.key()), "'"));
  }
  return absl::OkStatus();
}

absl::StatusOr<GuardRule> ReadRule(const json::value& value, size_t number) {
  if (!value.is_object()) return Wrong(absl::StrCat(number), "must be an object");
  const json::object& object = value.as_object();
  GuardRule rule;
  ASSIGN_OR_RETURN(rule.name, Text(object, absl::StrCat(number), "name", true));
  RETURN_IF_ERROR(CheckFields(object, rule.name));
  ASSIGN_OR_RETURN(rule.category, Text(object, rule.name, "category", true));
  if (!IsName(rule.name) || !IsName(rule.category)) return Wrong(rule.name, "names and categories are of a-z, 0-9 and _, at most 64");
  ASSIGN_OR_RETURN(const std::string pattern, Text(object, rule.name, "pattern", true));
  ASSIGN_OR_RETURN(rule.pattern, Compile(rule.name, pattern));
  ASSIGN_OR_RETURN(const std::string run, Text(object, rule.name, "run", false));
  rule.has_run = !run.empty();
  if (rule.has_run) {
    ASSIGN_OR_RETURN(rule.run, ReadRun(rule.name, run));
  }
  RETURN_IF_ERROR(ReadMinBytes(object, &rule));
  RETURN_IF_ERROR(ReadSubjects(object, &rule));
  RETURN_IF_ERROR(ReadChoices(object, &rule));
  return rule;
}

bool Passes(GuardCheck check, absl::string_view match) {
  switch (check) {
    case GuardCheck::kLuhn:
      return PassesLuhn(match);
    case GuardCheck::kIban:
      return BeginsWithIban(match);
    case GuardCheck::kNone:
      break;
  }
  return true;
}

}  // namespace

bool GuardRule::Find(absl::string_view text, size_t from, size_t* begin) const {
  const re2::StringPiece whole(text.data(), text.size());
  re2::StringPiece match;
  // A match that fails its check may overlap one that passes.
  for (size_t start = from; start < text.size(); start = static_cast<size_t>(match.data() - text.data()) + 1) {
    if (!pattern->Match(whole, start, text.size(), RE2::UNANCHORED, &match, 1)) return false;
    if (!Passes(check, absl::string_view(match.data(), match.size()))) continue;
    *begin = static_cast<size_t>(match.data() - text.data());
    return true;
  }
  return false;
}

absl::StatusOr<std::shared_ptr<const GuardPolicy>> GuardPolicy::Parse(absl::string_view text) {
  json::error_code error;
  const json::value value = json::parse(json::string_view(text.data(), text.size()), error);
  const json::object* object = error ? nullptr : value.if_object();
  const json::value* rules = object == nullptr ? nullptr : object->if_contains("rules");
  if (rules == nullptr || !rules->is_array()) return absl::InvalidArgumentError("guardrail policy: not JSON with a list 'rules'");
  if (rules->as_array().size() > kMaxRules)
    return absl::InvalidArgumentError(absl::StrCat("guardrail policy: at most ", kMaxRules, " rules"));
  auto policy = std::make_shared<GuardPolicy>();
  std::set<std::string> names;
  for (const json::value& one : rules->as_array()) {
    ASSIGN_OR_RETURN(GuardRule rule, ReadRule(one, policy->rules.size()));
    if (!names.insert(rule.name).second) return Wrong(rule.name, "is there twice");
    policy->rules.push_back(std::move(rule));
  }
  return policy;
}

std::shared_ptr<const GuardPolicy> GuardPolicy::Default() {
  absl::StatusOr<std::shared_ptr<const GuardPolicy>> policy = Parse(kDefaultPolicy);
  if (policy.ok()) return *std::move(policy);
  Log(LogLevel::kError, "shipped_guardrail_policy_wrong", {{"status", std::string(policy.status().message())}});
  std::abort();
}

}  // namespace baleen
