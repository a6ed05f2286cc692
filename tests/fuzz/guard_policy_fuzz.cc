// Guardrail policies, and texts under them: what is found depends on the text, not on how it comes in pieces.

#include <algorithm>
#include <cstdint>
#include <memory>
#include <set>
#include <string>

#include "services/gateway/guardrail/policy.h"
#include "services/gateway/guardrail/text_scanner.h"
#include "tests/fuzz/fuzz_input.h"

namespace baleen {
namespace {

struct Verdict {
  bool blocked = false;
  std::set<const GuardRule*> noted;
};

Verdict Scan(const std::shared_ptr<const GuardPolicy>& policy, const std::string& text, const std::string& cuts) {
  TextScanner scanner(policy, /*output=*/true);
  Verdict verdict;
  uint64_t given = 0, decided = 0;
  const auto take = [&](const TextFinding& finding) {
    Require(finding.decided >= decided && finding.decided <= given, "what is decided grows with the text");
    decided = finding.decided;
    verdict.blocked = finding.block != nullptr;
    for (const GuardRule* rule : finding.noted) Require(verdict.noted.insert(rule).second, "a rule is noted once");
  };
  for (const absl::string_view piece : CutText(text, cuts)) {
    given += piece.size();
    take(scanner.Add(piece));
    if (verdict.blocked) return verdict;
  }
  take(scanner.Finish());
  Require(verdict.blocked || decided == text.size(), "in the end all is decided");
  return verdict;
}

void CheckText(const std::shared_ptr<const GuardPolicy>& policy, const std::string& text, const std::string& cuts) {
  const Verdict whole = Scan(policy, text, "");
  const Verdict cut = Scan(policy, text, cuts);
  Require(whole.blocked == cut.blocked, "pieces do not change whether a text is blocked");
  if (!whole.blocked) Require(whole.noted == cut.noted, "nor what is noted");
  std::vector<const GuardRule*> noted;
  ScanPrompt(policy, text, &noted);
}

}  // namespace
}  // namespace baleen

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace baleen;
  FuzzInput input(data, size);
  const std::string json = input.Section();
  const std::string cuts = input.Line();
  const std::string text = input.Rest();
  static const auto* const shipped = new std::shared_ptr<const GuardPolicy>(GuardPolicy::Default());
  CheckText(*shipped, text, cuts);
  const auto policy = GuardPolicy::Parse(json);
  if (policy.ok()) {
    CheckText(*policy, text, cuts);
  } else {
    Require(absl::IsInvalidArgument(policy.status()), "a bad policy is the file's error");
  }
  return 0;
}
