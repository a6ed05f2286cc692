#include "model/tokenizer/tokenizer.h"

#include <algorithm>
#include <array>
#include <utility>

#include "absl/container/flat_hash_map.h"
#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "base/status_macros.h"
#include "model/tokenizer/added_token_matcher.h"
#include "model/tokenizer/bpe.h"
#include "model/tokenizer/byte_symbols.h"
#include "model/tokenizer/json_text.h"
#include "model/tokenizer/pretokenizer.h"
#include "model/tokenizer/tokenizer_spec.h"
#include "model/tokenizer/utf8.h"

namespace baleen {
namespace {

constexpr size_t kFileBytesMax = 256 << 20;

struct Token {
  std::string bytes;
  bool special = false;
};

std::vector<Token> MakeTokens(const TokenizerSpec& spec) {
  int32_t last = -1;
  for (const auto& [symbols, id] : spec.vocab) last = std::max(last, id);
  for (const AddedTokenSpec& added : spec.added) last = std::max(last, added.id);
  std::vector<Token> tokens(static_cast<size_t>(last) + 1);
  for (const auto& [symbols, id] : spec.vocab) tokens[id].bytes = BytesOfSymbols(symbols);
  for (const AddedTokenSpec& added : spec.added) tokens[added.id] = {added.content, added.special};
  return tokens;
}

// Bytes that no UTF-8 text has; vocabularies may leave them out.
bool IsNeverUtf8(int byte) { return byte == 0xC0 || byte == 0xC1 || byte >= 0xF5; }

// The token of each byte, -1 = none.
absl::StatusOr<std::array<int32_t, 256>> MakeByteIds(const TokenizerSpec& spec) {
  std::array<int32_t, 256> ids;
  for (int byte = 0; byte < 256; ++byte) {
    const auto found = spec.vocab.find(ByteSymbols()[byte]);
    if (found == spec.vocab.end() && !IsNeverUtf8(byte)) {
      return absl::InvalidArgumentError(absl::StrCat("model.vocab: has no token for byte ", byte, " (\"", ByteSymbols()[byte], "\")"));
    }
    ids[byte] = found == spec.vocab.end() ? -1 : found->second;
  }
  return ids;
}

}  // namespace

struct Tokenizer::Impl {
  Impl(TokenizerSpec spec, const std::array<int32_t, 256>& ids_of_bytes, Pretokenizer splitter);

  bool IsMissing(absl::string_view piece) const { return piece.size() == 1 && byte_ids[static_cast<uint8_t>(piece[0])] < 0; }
  void IndexWords(const TokenizerSpec& spec);
  // Appends the ids of text without added tokens.
  void EncodeText(absl::string_view text, std::vector<int32_t>* ids) const;
  // Cuts at added tokens: those that skip normalization first, the others in what is left.
  void EncodeMatching(absl::string_view text, const AddedTokenMatcher* matcher, std::vector<int32_t>* ids) const;
  const Token* Find(int32_t id) const { return id < 0 || static_cast<size_t>(id) >= tokens.size() ? nullptr : &tokens[id]; }

  std::vector<Token> tokens;  // By id; a gap has no bytes.
  Pretokenizer pretokenizer;
  std::array<int32_t, 256> byte_ids;
  Bpe bpe;
  // Pieces that are one token. A table of the vocabulary and not a cache of pieces seen: user text outlives no request.
  absl::flat_hash_map<absl::string_view, int32_t> words;
  size_t word_bytes_max = 0;
  AddedTokenMatcher first;
  AddedTokenMatcher second;
  absl::flat_hash_map<std::string, int32_t> added_ids;
};

Tokenizer::Impl::Impl(TokenizerSpec spec, const std::array<int32_t, 256>& ids_of_bytes, Pretokenizer splitter)
    : tokens(MakeTokens(spec)), pretokenizer(std::move(splitter)), byte_ids(ids_of_bytes), bpe(ids_of_bytes, spec.merges) {
  for (const AddedTokenSpec& added : spec.added) {
    (added.normalized ? second : first).Add(added.content, added.id);
    added_ids[added.content] = added.id;
  }
  IndexWords(spec);
}

void Tokenizer::Impl::IndexWords(const TokenizerSpec& spec) {
  words.reserve(spec.vocab.size());
  std::vector<int32_t> ids;
  for (const auto& [symbols, id] : spec.vocab) {
    const absl::string_view bytes = tokens[id].bytes;
    ids.clear();
    bpe.Encode(bytes, &ids);
    // Without ignore_merges a token that its own bytes do not merge into is out of reach.
    if (!spec.ignore_merges && (ids.size() != 1 || ids[0] != id)) continue;
    words.emplace(bytes, id);
    word_bytes_max = std::max(word_bytes_max, bytes.size());
  }
}

void Tokenizer::Impl::EncodeText(absl::string_view text, std::vector<int32_t>* ids) const {
  for (absl::string_view piece : pretokenizer.Split(text)) {
    if (piece.size() <= word_bytes_max) {
      if (const auto word = words.find(piece); word != words.end()) {
        ids->push_back(word->second);
        continue;
      }
    }
    bpe.Encode(IsMissing(piece) ? kReplacementCharacter : piece, ids);
  }
}

void Tokenizer::Impl::EncodeMatching(absl::string_view text, const AddedTokenMatcher* matcher, std::vector<int32_t>* ids) const {
  for (size_t at = 0; at < text.size();) {
    const AddedTokenMatcher::Match match = matcher->Find(text, at);
    const absl::string_view gap = text.substr(at, match.start - at);
    if (matcher == &first) {
      EncodeMatching(gap, &second, ids);
    } else {
      EncodeText(gap, ids);
    }
    if (match.length > 0) ids->push_back(match.id);
    at = match.start + match.length;
  }
}

absl::StatusOr<std::unique_ptr<Tokenizer>> Tokenizer::Load(const std::string& directory) {
  const std::string path = absl::StrCat(directory, "/tokenizer.json");
  ASSIGN_OR_RETURN(const std::string text, ReadTextFile(path, kFileBytesMax));
  return FromJson(text, path);
}

absl::StatusOr<std::unique_ptr<Tokenizer>> Tokenizer::FromJson(absl::string_view json, absl::string_view origin) {
  ASSIGN_OR_RETURN(TokenizerSpec spec, ParseTokenizerSpec(json, origin));
  const absl::StatusOr<std::array<int32_t, 256>> byte_ids = MakeByteIds(spec);
  if (!byte_ids.ok()) return absl::Status(byte_ids.status().code(), absl::StrCat(origin, ": ", byte_ids.status().message()));
  absl::StatusOr<Pretokenizer> pretokenizer = Pretokenizer::Create(spec.split_patterns);
  if (!pretokenizer.ok()) {
    return absl::Status(pretokenizer.status().code(), absl::StrCat(origin, ": pre_tokenizer: ", pretokenizer.status().message()));
  }
  return std::unique_ptr<Tokenizer>(new Tokenizer(std::make_unique<Impl>(std::move(spec), *byte_ids, *std::move(pretokenizer))));
}

Tokenizer::Tokenizer(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
Tokenizer::~Tokenizer() = default;

std::vector<int32_t> Tokenizer::Encode(absl::string_view text, AddedTokens added) const {
  std::vector<int32_t> ids;
  ids.reserve(text.size() / 3 + 1);
  if (added == AddedTokens::kMatch) {
    impl_->EncodeMatching(text, &impl_->first, &ids);
  } else {
    impl_->EncodeText(text, &ids);
  }
  return ids;
}

std::string Tokenizer::Decode(const std::vector<int32_t>& ids, bool skip_special) const {
  std::string text;
  for (int32_t id : ids) {
    if (skip_special && IsSpecial(id)) continue;
    const absl::string_view bytes = TokenBytes(id);
    text.append(bytes.data(), bytes.size());
  }
  return text;
}

absl::string_view Tokenizer::TokenBytes(int32_t id) const {
  const Token* token = impl_->Find(id);
  return token == nullptr ? absl::string_view() : absl::string_view(token->bytes);
}

bool Tokenizer::IsSpecial(int32_t id) const {
  const Token* token = impl_->Find(id);
  return token != nullptr && token->special;
}

absl::optional<int32_t> Tokenizer::AddedTokenId(absl::string_view text) const {
  const auto found = impl_->added_ids.find(text);
  if (found == impl_->added_ids.end()) return absl::nullopt;
  return found->second;
}

int64_t Tokenizer::size() const { return static_cast<int64_t>(impl_->tokens.size()); }

}  // namespace baleen
