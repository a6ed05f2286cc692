#include "services/gateway/guardrail/evaluation.h"

#include <algorithm>
#include <boost/json.hpp>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/str_split.h"
#include "services/gateway/guardrail/builtin_guard.h"

namespace baleen {
namespace {

namespace json = boost::json;

constexpr char kBenign[] = "benign";
constexpr size_t kPieceBytes = 4;

GuardVerdict Judge(GuardSession& session, const GuardSample& sample, std::vector<std::string>* noted) {
  GuardVerdict last;
  const GuardDone keep = [&last, noted](GuardVerdict verdict) {
    noted->insert(noted->end(), verdict.noted.begin(), verdict.noted.end());
    last = std::move(verdict);
  };
  if (!sample.output) {
    session.CheckPrompt(PrivateText(sample.text), keep);
    return last;
  }
  for (size_t i = 0; i <= sample.text.size() && !last.block; i += kPieceBytes) {
    GuardPiece piece;
    piece.text = PrivateText(sample.text.substr(i, kPieceBytes));
    piece.last = i + kPieceBytes > sample.text.size();
    session.CheckOutput(std::move(piece), keep);
  }
  return last;
}

std::string Share(int part, int whole) { return absl::StrFormat("%.1f%%", 100.0 * part / std::max(whole, 1)); }

}  // namespace

absl::StatusOr<std::vector<GuardSample>> ReadSamples(absl::string_view json_lines) {
  std::vector<GuardSample> samples;
  for (const absl::string_view line : absl::StrSplit(json_lines, '\n', absl::SkipEmpty())) {
    json::error_code error;
    const json::value value = json::parse(json::string_view(line.data(), line.size()), error);
    const json::object* object = error ? nullptr : value.if_object();
    std::vector<std::string> texts;
    for (const char* field : {"subject", "label", "text"}) {
      const json::value* text = object == nullptr ? nullptr : object->if_contains(field);
      if (text != nullptr && text->is_string()) texts.emplace_back(text->as_string());
    }
    if (texts.size() != 3 || (texts[0] != "prompt" && texts[0] != "output")) {
      return absl::InvalidArgumentError(absl::StrCat("sample ", samples.size() + 1, ": not an object of subject, label and text"));
    }
    samples.push_back({texts[0] == "output", texts[1], texts[2]});
  }
  return samples;
}

GuardScores Evaluate(const std::shared_ptr<const GuardPolicy>& policy, const std::vector<GuardSample>& samples) {
  const std::unique_ptr<Guard> guard = MakeBuiltinGuard(policy);
  GuardScores scores;
  for (const GuardSample& sample : samples) {
    std::vector<std::string> noted;
    const GuardVerdict verdict = Judge(*guard->Open(""), sample, &noted);
    const auto counts = [&sample](const std::string& category) { return sample.label == kBenign || category == sample.label; };
    GuardScore& score = scores[{sample.output ? "output" : "prompt", sample.label}];
    ++score.samples;
    if (verdict.block && counts(verdict.category)) {
      ++score.blocked;
    } else if (std::any_of(noted.begin(), noted.end(), counts)) {
      ++score.noted;
    }
  }
  return scores;
}

std::string ScoreTable(const GuardScores& scores) {
  std::string table = "| subject | samples of | samples | blocked | noted | let through unseen |\n|---|---|---:|---:|---:|---:|\n";
  for (const auto& [key, score] : scores) {
    absl::StrAppend(&table, "| ", key.first, " | ", key.second, " | ", score.samples, " | ", Share(score.blocked, score.samples), " | ",
                    Share(score.noted, score.samples), " | ", Share(score.samples - score.blocked - score.noted, score.samples), " |\n");
  }
  return table;
}

}  // namespace baleen
