#include "model/tokenizer/tokenizer_spec.h"

#include <boost/json.hpp>
#include <utility>

#include "absl/container/flat_hash_set.h"
#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "base/status_macros.h"
#include "model/tokenizer/json_text.h"
#include "model/tokenizer/split_steps.h"

namespace baleen {
namespace {

namespace json = boost::json;

// Ids index arrays; the largest vocabularies in use have about 260 thousand tokens.
constexpr int64_t kIdMax = (1 << 22) - 1;
constexpr size_t kTokenBytesMax = 64 << 10;
constexpr size_t kAddedTokensMax = 1 << 16;

absl::string_view View(const json::string& text) { return {text.data(), text.size()}; }

absl::Status Bad(absl::string_view field, absl::string_view problem) {
  return absl::InvalidArgumentError(absl::StrCat(field, ": ", problem));
}

absl::Status Unsupported(absl::string_view field, absl::string_view problem) {
  return absl::UnimplementedError(absl::StrCat(field, ": ", problem));
}

bool IsAbsent(const json::value* value) { return value == nullptr || value->is_null(); }

absl::StatusOr<int32_t> ReadId(const json::value* value, const std::string& field) {
  if (value == nullptr || !value->is_int64() || value->get_int64() < 0 || value->get_int64() > kIdMax) {
    return Bad(field, absl::StrCat("must be an integer from 0 to ", kIdMax));
  }
  return static_cast<int32_t>(value->get_int64());
}

// False when absent.
absl::StatusOr<bool> ReadBool(const json::object& object, const char* name, const std::string& parent) {
  const json::value* value = object.if_contains(name);
  if (IsAbsent(value)) return false;
  if (!value->is_bool()) return Bad(absl::StrCat(parent, ".", name), "must be true or false");
  return value->get_bool();
}

absl::Status CheckNormalizer(const json::object& root) {
  const json::value* value = root.if_contains("normalizer");
  if (IsAbsent(value)) return absl::OkStatus();
  const json::object* normalizer = value->if_object();
  const json::value* list = normalizer == nullptr ? nullptr : normalizer->if_contains("normalizers");
  if (list == nullptr || !list->is_array() || !list->get_array().empty()) {
    return Unsupported("normalizer", "only null or an empty Sequence is supported");
  }
  return absl::OkStatus();
}

absl::Status CheckModelKind(const json::object& model) {
  const json::value* type = model.if_contains("type");
  // Files of old versions leave out the type.
  if (!IsAbsent(type) && !(type->is_string() && View(type->get_string()) == "BPE")) {
    return Unsupported("model.type", "only \"BPE\" is supported");
  }
  for (const char* name : {"continuing_subword_prefix", "end_of_word_suffix"}) {
    const json::value* value = model.if_contains(name);
    if (!IsAbsent(value) && !(value->is_string() && value->get_string().empty())) {
      return Unsupported(absl::StrCat("model.", name), "only null or \"\" is supported");
    }
  }
  const json::value* dropout = model.if_contains("dropout");
  if (!IsAbsent(dropout) && !(dropout->is_number() && dropout->to_number<double>() == 0)) {
    return Unsupported("model.dropout", "only null or 0 is supported");
  }
  return absl::OkStatus();
}

absl::Status ReadVocab(const json::object& model, TokenizerSpec* spec) {
  const json::value* value = model.if_contains("vocab");
  const json::object* vocab = value == nullptr ? nullptr : value->if_object();
  if (vocab == nullptr || vocab->empty()) return Bad("model.vocab", "must be an object of tokens and ids");
  absl::flat_hash_set<int32_t> seen;
  spec->vocab.reserve(vocab->size());
  for (const auto& entry : *vocab) {
    const std::string token(entry.key().data(), entry.key().size());
    const std::string field = absl::StrCat("model.vocab[\"", token.substr(0, 64), "\"]");
    if (token.empty() || token.size() > kTokenBytesMax) return Bad(field, absl::StrCat("a token has 1 to ", kTokenBytesMax, " bytes"));
    ASSIGN_OR_RETURN(const int32_t id, ReadId(&entry.value(), field));
    if (!seen.insert(id).second) return Bad(field, absl::StrCat("id ", id, " belongs to another token"));
    spec->vocab.emplace(token, id);
  }
  return absl::OkStatus();
}

absl::StatusOr<std::pair<std::string, std::string>> ReadPair(const json::value& value, const std::string& field) {
  if (const json::string* text = value.if_string()) {
    const absl::string_view pair = View(*text);
    const size_t space = pair.find(' ');
    if (space == absl::string_view::npos || pair.find(' ', space + 1) != absl::string_view::npos) {
      return Bad(field, "must be two tokens with one space between");
    }
    return std::make_pair(std::string(pair.substr(0, space)), std::string(pair.substr(space + 1)));
  }
  const json::array* pair = value.if_array();
  if (pair == nullptr || pair->size() != 2 || !(*pair)[0].is_string() || !(*pair)[1].is_string()) {
    return Bad(field, "must be a string or a pair of strings");
  }
  return std::make_pair(std::string(View((*pair)[0].get_string())), std::string(View((*pair)[1].get_string())));
}

absl::StatusOr<int32_t> VocabId(const TokenizerSpec& spec, const std::string& token, const std::string& field) {
  const auto found = spec.vocab.find(token);
  if (found == spec.vocab.end()) return Bad(field, absl::StrCat("\"", token.substr(0, 64), "\" is not in model.vocab"));
  return found->second;
}

absl::Status ReadMerges(const json::object& model, TokenizerSpec* spec) {
  const json::value* value = model.if_contains("merges");
  const json::array* merges = value == nullptr ? nullptr : value->if_array();
  if (merges == nullptr) return Bad("model.merges", "must be a list");
  spec->merges.reserve(merges->size());
  for (size_t i = 0; i < merges->size(); ++i) {
    const std::string field = absl::StrCat("model.merges[", i, "]");
    ASSIGN_OR_RETURN(const auto pair, ReadPair((*merges)[i], field));
    BpeMerge merge;
    ASSIGN_OR_RETURN(merge.left, VocabId(*spec, pair.first, field));
    ASSIGN_OR_RETURN(merge.right, VocabId(*spec, pair.second, field));
    ASSIGN_OR_RETURN(merge.result, VocabId(*spec, pair.first + pair.second, field));
    spec->merges.push_back(merge);
  }
  return absl::OkStatus();
}

absl::StatusOr<AddedTokenSpec> ReadAddedToken(const json::value& value, const std::string& field) {
  const json::object* object = value.if_object();
  if (object == nullptr) return Bad(field, "must be an object");
  for (const char* name : {"single_word", "lstrip", "rstrip"}) {
    ASSIGN_OR_RETURN(const bool set, ReadBool(*object, name, field));
    if (set) return Unsupported(absl::StrCat(field, ".", name), "only false is supported");
  }
  AddedTokenSpec token;
  ASSIGN_OR_RETURN(token.id, ReadId(object->if_contains("id"), field + ".id"));
  const json::value* content = object->if_contains("content");
  if (content == nullptr || !content->is_string() || content->get_string().empty() || content->get_string().size() > kTokenBytesMax) {
    return Bad(field + ".content", absl::StrCat("must be a string of 1 to ", kTokenBytesMax, " bytes"));
  }
  token.content = std::string(View(content->get_string()));
  ASSIGN_OR_RETURN(token.special, ReadBool(*object, "special", field));
  ASSIGN_OR_RETURN(token.normalized, ReadBool(*object, "normalized", field));
  return token;
}

// An added token may repeat a token of the vocabulary, but not take its id or text for another.
absl::Status ReadAddedTokens(const json::object& root, TokenizerSpec* spec) {
  const json::value* value = root.if_contains("added_tokens");
  if (IsAbsent(value)) return absl::OkStatus();
  const json::array* list = value->if_array();
  if (list == nullptr || list->size() > kAddedTokensMax) {
    return Bad("added_tokens", absl::StrCat("must be a list of at most ", kAddedTokensMax, " tokens"));
  }
  absl::flat_hash_map<int32_t, absl::string_view> texts;
  for (const auto& [token, id] : spec->vocab) texts[id] = token;
  absl::flat_hash_map<std::string, int32_t> ids;
  spec->added.reserve(list->size());
  for (size_t i = 0; i < list->size(); ++i) {
    const std::string field = absl::StrCat("added_tokens[", i, "]");
    ASSIGN_OR_RETURN(AddedTokenSpec token, ReadAddedToken((*list)[i], field));
    spec->added.push_back(std::move(token));
    const AddedTokenSpec& added = spec->added.back();
    const auto in_vocab = spec->vocab.find(added.content);
    const bool moved = in_vocab != spec->vocab.end() && in_vocab->second != added.id;
    const bool id_taken = texts.try_emplace(added.id, added.content).first->second != added.content;
    const bool text_taken = ids.try_emplace(added.content, added.id).first->second != added.id;
    if (moved || id_taken || text_taken) return Bad(field, absl::StrCat("id ", added.id, " or its text belongs to another token"));
  }
  return absl::OkStatus();
}

absl::StatusOr<TokenizerSpec> ReadSpec(const json::object& root) {
  TokenizerSpec spec;
  RETURN_IF_ERROR(CheckNormalizer(root));
  const json::value* value = root.if_contains("model");
  const json::object* model = value == nullptr ? nullptr : value->if_object();
  if (model == nullptr) return Bad("model", "must be an object");
  RETURN_IF_ERROR(CheckModelKind(*model));
  RETURN_IF_ERROR(ReadVocab(*model, &spec));
  RETURN_IF_ERROR(ReadMerges(*model, &spec));
  RETURN_IF_ERROR(ReadAddedTokens(root, &spec));
  ASSIGN_OR_RETURN(spec.ignore_merges, ReadBool(*model, "ignore_merges", "model"));
  ASSIGN_OR_RETURN(spec.split_patterns, ReadSplitSteps(root));
  return spec;
}

}  // namespace

absl::StatusOr<TokenizerSpec> ParseTokenizerSpec(absl::string_view json, absl::string_view origin) {
  ASSIGN_OR_RETURN(const json::value root, ParseJsonObject(json, origin));
  absl::StatusOr<TokenizerSpec> spec = ReadSpec(root.get_object());
  if (!spec.ok()) return absl::Status(spec.status().code(), absl::StrCat(origin, ": ", spec.status().message()));
  return spec;
}

}  // namespace baleen
