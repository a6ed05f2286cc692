#include <boost/json.hpp>

#include "absl/status/status.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "base/status_macros.h"
#include "model/tokenizer/chat_template.h"
#include "model/tokenizer/json_text.h"

namespace baleen {
namespace {

namespace json = boost::json;

constexpr size_t kConfigBytesMax = 16 << 20;

absl::StatusOr<ChatTemplateKind> Recognise(absl::string_view source, const std::string& path) {
  if (!absl::StrContains(source, "<｜Assistant｜>")) {
    if (absl::StrContains(source, "'User: '") && absl::StrContains(source, "'Assistant: '")) return ChatTemplateKind::kV2;
    return absl::UnimplementedError(
        absl::StrCat(path, ": the chat template is none of DeepSeek's that are supported: V2, V3, V3-0324, R1, R1-0528 and V3.1"));
  }
  // `thinking` is a variable of V3.1's template alone; R1's opens <think> in its generation prompt.
  if (absl::StrContains(source, "thinking")) return ChatTemplateKind::kV31;
  if (absl::StrContains(source, "<｜Assistant｜><think>")) return ChatTemplateKind::kR1;
  // V3 keeps history as it is.
  if (absl::StrContains(source, "</think>")) return ChatTemplateKind::kV30324;
  return ChatTemplateKind::kV3;
}

const json::string* TemplateOf(const json::value& entry, bool must_be_default) {
  const json::object* object = entry.if_object();
  if (object == nullptr) return nullptr;
  const json::value* name = object->if_contains("name");
  if (must_be_default && (name == nullptr || !name->is_string() || name->get_string() != "default")) return nullptr;
  const json::value* text = object->if_contains("template");
  return text == nullptr ? nullptr : text->if_string();
}

// The template in a list of {name, template}; null when malformed.
const json::string* ChooseNamed(const json::array& list) {
  for (const json::value& entry : list) {
    if (const json::string* text = TemplateOf(entry, true)) return text;
  }
  return list.empty() ? nullptr : TemplateOf(list[0], false);
}

absl::StatusOr<ChatTemplateKind> FromConfig(const std::string& path) {
  const absl::StatusOr<std::string> text = ReadTextFile(path, kConfigBytesMax);
  if (absl::IsNotFound(text.status())) return ChatTemplateKind::kV3;
  RETURN_IF_ERROR(text.status());
  ASSIGN_OR_RETURN(const json::value root, ParseJsonObject(*text, path));
  const json::value* value = root.get_object().if_contains("chat_template");
  if (value == nullptr || value->is_null()) return ChatTemplateKind::kV3;
  const json::string* source = value->is_array() ? ChooseNamed(value->get_array()) : value->if_string();
  if (source == nullptr) {
    return absl::InvalidArgumentError(absl::StrCat(path, ": chat_template: must be a string or a list of objects with name and template"));
  }
  return Recognise({source->data(), source->size()}, path);
}

}  // namespace

absl::optional<ChatTemplateKind> ChatTemplateFromName(absl::string_view name) {
  for (ChatTemplateKind kind :
       {ChatTemplateKind::kV2, ChatTemplateKind::kV3, ChatTemplateKind::kV30324, ChatTemplateKind::kR1, ChatTemplateKind::kV31}) {
    if (name == ChatTemplateName(kind)) return kind;
  }
  return absl::nullopt;
}

absl::string_view ChatTemplateName(ChatTemplateKind kind) {
  switch (kind) {
    case ChatTemplateKind::kV2:
      return "v2";
    case ChatTemplateKind::kV3:
      return "v3";
    case ChatTemplateKind::kV30324:
      return "v3-0324";
    case ChatTemplateKind::kR1:
      return "r1";
    case ChatTemplateKind::kV31:
      return "v3.1";
  }
  return "";
}

absl::StatusOr<ChatTemplateKind> DetectChatTemplate(const std::string& directory) {
  const std::string path = absl::StrCat(directory, "/chat_template.jinja");
  const absl::StatusOr<std::string> jinja = ReadTextFile(path, kConfigBytesMax);
  if (jinja.ok()) return Recognise(*jinja, path);
  if (!absl::IsNotFound(jinja.status())) return jinja.status();
  return FromConfig(absl::StrCat(directory, "/tokenizer_config.json"));
}

}  // namespace baleen
