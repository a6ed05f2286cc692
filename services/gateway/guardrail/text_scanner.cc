#include "services/gateway/guardrail/text_scanner.h"

#include <algorithm>
#include <utility>

namespace baleen {

TextScanner::TextScanner(std::shared_ptr<const GuardPolicy> policy, bool output) : policy_(std::move(policy)) {
  for (const GuardRule& rule : policy_->rules) {
    if (!rule.has_run || !(output ? rule.on_output : rule.on_prompt)) continue;
    auto same = std::find_if(runs_.begin(), runs_.end(), [&rule](const Run& run) { return run.bytes == rule.run; });
    if (same == runs_.end()) {
      runs_.push_back({rule.run, {}, "", 0, 0});
      same = runs_.end() - 1;
    }
    same->rules.push_back(&rule);
  }
}

TextFinding TextScanner::Add(absl::string_view piece) {
  TextFinding finding;
  size_ += piece.size();
  for (Run& run : runs_) Extend(piece, &run, &finding);
  const uint64_t decided = Decided();
  finding.decided = finding.block == nullptr ? decided : std::min(finding.decided, decided);
  return finding;
}

TextFinding TextScanner::Finish() {
  TextFinding finding;
  for (Run& run : runs_) {
    Search(run, &finding);
    run.open.clear();
    run.from = 0;
  }
  if (finding.block == nullptr) finding.decided = size_;
  return finding;
}

void TextScanner::Extend(absl::string_view piece, Run* run, TextFinding* finding) {
  for (const char c : piece) {
    ++run->end;
    if (!run->bytes[static_cast<unsigned char>(c)]) {
      --run->end;
      Search(*run, finding);
      ++run->end;
      run->open.clear();
      run->from = 0;
      continue;
    }
    run->open.push_back(c);
    if (run->open.size() < 2 * kWindow) continue;
    Search(*run, finding);
    // A match that is under way began within the last window; the byte before it is context.
    run->open.erase(0, run->open.size() - kWindow - 1);
    run->from = 1;
  }
}

void TextScanner::Search(const Run& run, TextFinding* finding) {
  const size_t size = run.open.size() - run.from;
  for (const GuardRule* rule : run.rules) {
    size_t begin = 0;
    if (size < rule->min_bytes || !rule->Find(run.open, run.from, &begin)) continue;
    if (rule->action == GuardAction::kNote) {
      if (noted_.insert(rule).second) finding->noted.push_back(rule);
      continue;
    }
    const uint64_t at = run.end - run.open.size() + begin;
    if (finding->block != nullptr && finding->decided <= at) continue;
    finding->block = rule;
    finding->decided = at;
  }
}

uint64_t TextScanner::Decided() const {
  uint64_t decided = size_;
  for (const Run& run : runs_) decided = std::min(decided, run.open.empty() ? size_ : run.begin());
  return decided;
}

const GuardRule* ScanPrompt(const std::shared_ptr<const GuardPolicy>& policy, absl::string_view text,
                            std::vector<const GuardRule*>* noted) {
  TextScanner scanner(policy, /*output=*/false);
  for (const bool end : {false, true}) {
    const TextFinding finding = end ? scanner.Finish() : scanner.Add(text);
    noted->insert(noted->end(), finding.noted.begin(), finding.noted.end());
    if (finding.block != nullptr) return finding.block;
  }
  for (const GuardRule& rule : policy->rules) {
    size_t begin = 0;
    if (rule.has_run || !rule.on_prompt || !rule.Find(text, 0, &begin)) continue;
    if (rule.action == GuardAction::kBlock) return &rule;
    noted->push_back(&rule);
  }
  return nullptr;
}

}  // namespace baleen
