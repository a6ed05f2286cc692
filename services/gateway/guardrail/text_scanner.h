// Looks for a policy's rules in a text that comes in pieces.
#ifndef BALEEN_SERVICES_GATEWAY_GUARDRAIL_TEXT_SCANNER_H_
#define BALEEN_SERVICES_GATEWAY_GUARDRAIL_TEXT_SCANNER_H_

#include <cstdint>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include "absl/strings/string_view.h"
#include "services/gateway/guardrail/policy.h"

namespace baleen {

// What was found, and how much of the text no later piece can change the verdict on.
struct TextFinding {
  const GuardRule* block = nullptr;
  std::vector<const GuardRule*> noted;  // For the first time in this text.
  uint64_t decided = 0;                 // Bytes from the text's beginning; with a block, none of them is of its match.
};

// Thread-compatible. Matches are at most kWindow bytes; what a longer one begins with is found. Time is linear in the text, and at most
// 2 * kWindow bytes of each kind of run are kept.
class TextScanner {
 public:
  static constexpr size_t kWindow = 256;

  // The rules with a run that are for the prompt, or for output.
  TextScanner(std::shared_ptr<const GuardPolicy> policy, bool output);

  TextFinding Add(absl::string_view piece);
  // The text ends: all of it is decided.
  TextFinding Finish();

 private:
  // The rules of one class of bytes, and the run of them that the text ends in.
  struct Run {
    ByteClass bytes;
    std::vector<const GuardRule*> rules;
    std::string open;  // Its end; before `from`, context that was searched.
    size_t from = 0;
    uint64_t end = 0;  // Where in the text `open` ends.
    uint64_t begin() const { return end - open.size() + from; }
  };

  void Extend(absl::string_view piece, Run* run, TextFinding* finding);
  void Search(const Run& run, TextFinding* finding);
  uint64_t Decided() const;

  const std::shared_ptr<const GuardPolicy> policy_;
  std::vector<Run> runs_;
  std::set<const GuardRule*> noted_;
  uint64_t size_ = 0;
};

// The first rule that blocks `text` as a prompt, or null; adds what is noted.
const GuardRule* ScanPrompt(const std::shared_ptr<const GuardPolicy>& policy, absl::string_view text, std::vector<const GuardRule*>* noted);

}  // namespace baleen

#endif  // BALEEN_SERVICES_GATEWAY_GUARDRAIL_TEXT_SCANNER_H_
