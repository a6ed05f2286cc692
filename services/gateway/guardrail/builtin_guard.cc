#include "services/gateway/guardrail/builtin_guard.h"

#include <deque>
#include <map>
#include <mutex>
#include <optional>
#include <utility>

#include "services/gateway/guardrail/text_scanner.h"

namespace baleen {
namespace {

std::vector<std::string> Categories(const std::vector<const GuardRule*>& rules) {
  std::vector<std::string> names;
  for (const GuardRule* rule : rules) names.push_back(rule->category);
  return names;
}

// One choice's output: a scanner for as long as it stays in one channel.
class OutputState {
 public:
  explicit OutputState(std::shared_ptr<const GuardPolicy> policy) : policy_(std::move(policy)) {}

  GuardVerdict Add(const GuardPiece& piece) {
    GuardVerdict verdict;
    if (scanner_ && (channel_ != piece.channel || call_ != piece.call)) Finish(&verdict);
    if (!scanner_) {
      scanner_.emplace(policy_, /*output=*/true);
      channel_ = piece.channel;
      call_ = piece.call;
    }
    size_ += piece.text.size();
    ends_.push_back(size_);
    if (!verdict.block) Take(scanner_->Add(piece.text.reveal()), &verdict);
    if (!verdict.block && piece.last) Finish(&verdict);
    verdict.passed = passed_;
    return verdict;
  }

 private:
  void Finish(GuardVerdict* verdict) {
    Take(scanner_->Finish(), verdict);
    if (verdict->block) return;
    scanner_.reset();
    ends_.clear();
    size_ = 0;
  }

  void Take(const TextFinding& finding, GuardVerdict* verdict) {
    for (std::string& name : Categories(finding.noted)) verdict->noted.push_back(std::move(name));
    if (finding.block != nullptr) {
      verdict->block = true;
      verdict->category = finding.block->category;
    }
    for (; !ends_.empty() && ends_.front() <= finding.decided; ends_.pop_front()) ++passed_;
  }

  const std::shared_ptr<const GuardPolicy> policy_;
  std::optional<TextScanner> scanner_;
  GuardChannel channel_ = GuardChannel::kText;
  uint32_t call_ = 0;
  uint64_t size_ = 0;          // Of the channel's text so far.
  std::deque<uint64_t> ends_;  // Where in it each piece ends that has not passed.
  uint64_t passed_ = 0;
};

class BuiltinSession final : public GuardSession {
 public:
  explicit BuiltinSession(std::shared_ptr<const GuardPolicy> policy) : policy_(std::move(policy)) {}

  void CheckPrompt(PrivateText text, GuardDone done) override {
    GuardVerdict verdict;
    std::vector<const GuardRule*> noted;
    const GuardRule* rule = ScanPrompt(policy_, text.reveal(), &noted);
    verdict.noted = Categories(noted);
    verdict.block = rule != nullptr;
    if (rule != nullptr) verdict.category = rule->category;
    done(std::move(verdict));
  }

  void CheckOutput(GuardPiece piece, GuardDone done) override {
    OutputState* state = nullptr;
    {
      const std::lock_guard<std::mutex> lock(mutex_);
      state = &choices_.try_emplace(piece.choice, policy_).first->second;
    }
    done(state->Add(piece));
  }

  void Cancel() override {}

 private:
  const std::shared_ptr<const GuardPolicy> policy_;
  std::mutex mutex_;  // Guards the map; a choice's state is used by one check at a time.
  std::map<uint32_t, OutputState> choices_;
};

class BuiltinGuard final : public Guard {
 public:
  explicit BuiltinGuard(std::shared_ptr<const GuardPolicy> policy) : policy_(std::move(policy)) {}
  std::shared_ptr<GuardSession> Open(const std::string&) override { return std::make_shared<BuiltinSession>(policy_); }

 private:
  const std::shared_ptr<const GuardPolicy> policy_;
};

}  // namespace

std::unique_ptr<Guard> MakeBuiltinGuard(std::shared_ptr<const GuardPolicy> policy) {
  return std::make_unique<BuiltinGuard>(std::move(policy));
}

}  // namespace baleen
