#include "tools/logits/token_list.h"

#include <fstream>
#include <sstream>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "base/status_macros.h"

namespace baleen {
namespace {

absl::StatusOr<std::string> ReadFile(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  std::ostringstream text;
  if (file) text << file.rdbuf();
  if (!file || file.bad()) return absl::NotFoundError(absl::StrCat("cannot read the token file ", path));
  return text.str();
}

}  // namespace

absl::StatusOr<std::vector<int32_t>> ParseTokenList(const std::string& text) {
  std::string list = text;
  if (!text.empty() && text.front() == '@') {
    ASSIGN_OR_RETURN(list, ReadFile(text.substr(1)));
  }
  std::vector<int32_t> tokens;
  for (const absl::string_view part : absl::StrSplit(list, absl::ByAnyChar(", \t\r\n"), absl::SkipEmpty())) {
    int32_t token = 0;
    if (!absl::SimpleAtoi(part, &token)) return absl::InvalidArgumentError(absl::StrCat("'", part, "' is no token id"));
    tokens.push_back(token);
  }
  if (tokens.empty()) return absl::InvalidArgumentError("no token ids given");
  return tokens;
}

}  // namespace baleen
