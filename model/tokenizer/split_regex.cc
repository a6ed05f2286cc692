#define PCRE2_CODE_UNIT_WIDTH 8
#include "model/tokenizer/split_regex.h"

#include <pcre2.h>

#include <utility>

#include "absl/status/status.h"
#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "model/tokenizer/utf8.h"

namespace baleen {
namespace {

constexpr size_t kPatternBytesMax = 64 << 10;
// Far above what a linear scan of a long prompt takes, far below a hang.
constexpr uint32_t kMatchSteps = 50'000'000;
constexpr size_t kJitStackBytesMin = 64 << 10;
constexpr size_t kJitStackBytesMax = 8 << 20;

struct FreeCode {
  void operator()(pcre2_code* code) const { pcre2_code_free(code); }
};
struct FreeCompileContext {
  void operator()(pcre2_compile_context* context) const { pcre2_compile_context_free(context); }
};
struct FreeMatchContext {
  void operator()(pcre2_match_context* context) const { pcre2_match_context_free(context); }
};
struct FreeMatchData {
  void operator()(pcre2_match_data* data) const { pcre2_match_data_free(data); }
};
struct FreeJitStack {
  void operator()(pcre2_jit_stack* stack) const { pcre2_jit_stack_free(stack); }
};
using MatchContext = std::unique_ptr<pcre2_match_context, FreeMatchContext>;

std::string PcreMessage(int code) {
  PCRE2_UCHAR buffer[256];
  const int length = pcre2_get_error_message(code, buffer, sizeof(buffer));
  return length < 0 ? absl::StrCat("PCRE2 error ", code) : std::string(reinterpret_cast<char*>(buffer), static_cast<size_t>(length));
}

// Translates the escape at pattern[at], a backslash with a character after it; returns its length.
absl::StatusOr<size_t> TranslateEscape(absl::string_view pattern, size_t at, std::string* out) {
  switch (pattern[at + 1]) {
    case 's':
      out->append("\\p{White_Space}");
      return 2;
    case 'S':
      out->append("\\P{White_Space}");
      return 2;
    case 'h':
    case 'H':
      return absl::UnimplementedError(absl::StrCat("\\h at offset ", at, " is not supported"));
    case 'u': {
      const absl::string_view hex = pattern.substr(at + 2, 4);
      if (hex.size() < 4) return absl::InvalidArgumentError(absl::StrCat("\\u at offset ", at, " needs four hexadecimal digits"));
      absl::StrAppend(out, "\\x{", hex, "}");
      return 6;
    }
    default:
      out->append(pattern.substr(at, 2).data(), 2);
      return 2;
  }
}

}  // namespace

struct SplitRegex::Program {
  std::unique_ptr<pcre2_code, FreeCode> code;
};

absl::StatusOr<std::string> OnigurumaToPcre2(absl::string_view pattern) {
  std::string out;
  bool in_class = false;
  for (size_t at = 0; at < pattern.size();) {
    const char c = pattern[at];
    if (c == '\\' && at + 1 < pattern.size()) {
      absl::StatusOr<size_t> length = TranslateEscape(pattern, at, &out);
      if (!length.ok()) return length.status();
      at += *length;
      continue;
    }
    if (in_class && c == '[' && pattern.substr(at, 2) != "[:") {
      return absl::UnimplementedError(absl::StrCat("a class inside a class at offset ", at, " is not supported"));
    }
    if (in_class && pattern.substr(at, 2) == "&&") {
      return absl::UnimplementedError(absl::StrCat("&& in a class at offset ", at, " is not supported"));
    }
    if (in_class && c == '[') {
      const size_t end = pattern.find(":]", at);
      if (end == absl::string_view::npos) return absl::InvalidArgumentError(absl::StrCat("[: at offset ", at, " has no :]"));
      absl::StrAppend(&out, pattern.substr(at, end + 2 - at));
      at = end + 2;
      continue;
    }
    if (c == '[') in_class = true;
    if (c == ']') in_class = false;
    out.push_back(c);
    ++at;
  }
  return out;
}

std::string QuoteRegex(absl::string_view literal) {
  std::string out;
  for (char c : literal) {
    if (absl::ascii_ispunct(static_cast<unsigned char>(c))) out.push_back('\\');
    out.push_back(c);
  }
  return out;
}

absl::StatusOr<SplitRegex> SplitRegex::Create(absl::string_view pattern) {
  if (pattern.empty() || pattern.size() > kPatternBytesMax) {
    return absl::InvalidArgumentError(absl::StrCat("a pattern has 1 to ", kPatternBytesMax, " bytes, not ", pattern.size()));
  }
  absl::StatusOr<std::string> translated = OnigurumaToPcre2(pattern);
  if (!translated.ok()) return translated.status();
  std::unique_ptr<pcre2_compile_context, FreeCompileContext> context(pcre2_compile_context_create(nullptr));
  pcre2_set_newline(context.get(), PCRE2_NEWLINE_LF);
  int error = 0;
  PCRE2_SIZE offset = 0;
  auto program = std::make_unique<Program>();
  program->code.reset(pcre2_compile(reinterpret_cast<PCRE2_SPTR>(translated->data()), translated->size(),
                                    PCRE2_UTF | PCRE2_UCP | PCRE2_MULTILINE | PCRE2_NEVER_BACKSLASH_C, &error, &offset, context.get()));
  if (program->code == nullptr) {
    return absl::InvalidArgumentError(absl::StrCat(PcreMessage(error), " at offset ", offset, " of the translated pattern"));
  }
  // Without a JIT (some hardened kernels refuse executable pages) pcre2_match interprets.
  pcre2_jit_compile(program->code.get(), PCRE2_JIT_COMPLETE);
  return SplitRegex(std::move(program));
}

SplitRegex::SplitRegex(std::unique_ptr<Program> program) : program_(std::move(program)) {}
SplitRegex::SplitRegex(SplitRegex&&) noexcept = default;
SplitRegex& SplitRegex::operator=(SplitRegex&&) noexcept = default;
SplitRegex::~SplitRegex() = default;

void SplitRegex::Split(absl::string_view text, std::vector<absl::string_view>* pieces) const {
  const std::unique_ptr<pcre2_match_data, FreeMatchData> data(pcre2_match_data_create(1, nullptr));
  const MatchContext context(pcre2_match_context_create(nullptr));
  pcre2_set_match_limit(context.get(), kMatchSteps);
  std::unique_ptr<pcre2_jit_stack, FreeJitStack> stack;
  const auto subject = reinterpret_cast<PCRE2_SPTR>(text.data());
  size_t done = 0;
  for (size_t from = 0; from < text.size();) {
    const int found = pcre2_match(program_->code.get(), subject, text.size(), from, PCRE2_NO_UTF_CHECK, data.get(), context.get());
    if (found == PCRE2_ERROR_JIT_STACKLIMIT && stack == nullptr) {
      stack.reset(pcre2_jit_stack_create(kJitStackBytesMin, kJitStackBytesMax, nullptr));
      pcre2_jit_stack_assign(context.get(), nullptr, stack.get());
      if (stack != nullptr) continue;
    }
    if (found < 0) break;
    const PCRE2_SIZE* range = pcre2_get_ovector_pointer(data.get());
    const size_t start = range[0], end = range[1];
    if (end <= start) {
      if (start >= text.size()) break;
      from = start + NextUtf8(text.substr(start)).length;
      continue;
    }
    if (start > done) pieces->push_back(text.substr(done, start - done));
    pieces->push_back(text.substr(start, end - start));
    done = from = end;
  }
  if (done < text.size()) pieces->push_back(text.substr(done));
}

}  // namespace baleen
