#include "services/gateway/generation/guarded_output.h"

#include <deque>
#include <mutex>
#include <optional>
#include <utility>
#include <vector>

namespace baleen {
namespace {

std::vector<GuardPiece> PiecesOf(const GenerationEvent& event, uint32_t choice) {
  std::vector<GuardPiece> pieces;
  if (!event.reasoning.empty()) pieces.push_back({choice, GuardChannel::kReasoning, 0, event.reasoning, false});
  if (!event.text.empty()) pieces.push_back({choice, GuardChannel::kText, 0, event.text, false});
  for (const ToolCallDelta& call : event.tool_calls) {
    PrivateText text = call.name;
    if (!text.empty()) text.Append(PrivateText(" "));
    text.Append(call.arguments);
    pieces.push_back({choice, GuardChannel::kToolCall, static_cast<uint32_t>(call.index), std::move(text), false});
  }
  if (event.last() && pieces.empty()) pieces.push_back({choice, GuardChannel::kText, 0, PrivateText(), false});
  if (event.last()) pieces.back().last = true;
  return pieces;
}

class GuardedOutput final : public std::enable_shared_from_this<GuardedOutput> {
 public:
  explicit GuardedOutput(GuardedOutputOptions options) : options_(std::move(options)) {}

  void OnEvent(GenerationEvent event) {
    std::vector<GuardPiece> pieces = PiecesOf(event, options_.choice);
    const GenerationUsage usage = event.usage;
    {
      const std::lock_guard<std::mutex> lock(mutex_);
      if (over_) return;
      // A token whose text is not there yet waits for what comes with it.
      const uint64_t needs = sent_ + std::max<size_t>(pieces.size(), 1);
      sent_ += pieces.size();
      held_.push_back({std::move(event), needs});
      if (open_) pieces.clear();
    }
    for (GuardPiece& piece : pieces) {
      const bool last = piece.last;
      options_.session->CheckOutput(std::move(piece), [self = shared_from_this(), usage, last](GuardVerdict verdict) {
        self->OnVerdict(std::move(verdict), usage, last);
      });
    }
    Deliver();
  }

 private:
  struct Held {
    GenerationEvent event;
    uint64_t needs;  // Passed pieces.
  };

  void OnVerdict(GuardVerdict verdict, const GenerationUsage& usage, bool last) {
    {
      const std::lock_guard<std::mutex> lock(mutex_);
      // A guard that holds what it may not hold any more has failed.
      const bool failed = !verdict.status.ok() || (last && !verdict.block && verdict.passed < sent_);
      if (verdict.status.ok()) passed_ = std::max(passed_, verdict.passed);
      if (failed && options_.fails_open) open_ = true;
      if (!end_ && !open_ && (failed || verdict.block)) {
        end_.emplace();
        end_->usage = usage;
        if (failed) end_->status = GuardFailed();
        if (!failed) end_->finish = Finish::kContentFilter;
      }
    }
    Deliver();
  }

  // One thread at a time gives out; the others leave it what they brought.
  void Deliver() {
    std::unique_lock<std::mutex> lock(mutex_);
    if (delivering_) return;
    delivering_ = true;
    bool stops = false;
    for (std::optional<GenerationEvent> event = Next(&stops); event; event = Next(&stops)) {
      lock.unlock();
      if (stops) options_.stop();
      options_.sink(*std::move(event));
      lock.lock();
    }
    delivering_ = false;
  }

  // Under the lock. `*stops` says that the guard ended the choice with this event.
  std::optional<GenerationEvent> Next(bool* stops) {
    if (over_) return std::nullopt;
    std::optional<GenerationEvent> event;
    if (!held_.empty() && (open_ || held_.front().needs <= passed_)) {
      event = std::move(held_.front().event);
      held_.pop_front();
    } else if (end_) {
      *stops = true;
      event = std::exchange(end_, std::nullopt);
    }
    over_ = event && event->last();
    if (over_) held_.clear();
    return event;
  }

  const GuardedOutputOptions options_;
  std::mutex mutex_;  // Guards what follows.
  std::deque<Held> held_;
  uint64_t sent_ = 0;                   // Pieces.
  uint64_t passed_ = 0;                 // Of them.
  std::optional<GenerationEvent> end_;  // What the guard ends the choice with, behind what passed.
  bool open_ = false;                   // The guard failed and everything passes.
  bool delivering_ = false;
  bool over_ = false;  // The last event went out.
};

}  // namespace

GenerationSink GuardOutput(GuardedOutputOptions options) {
  auto output = std::make_shared<GuardedOutput>(std::move(options));
  return [output](GenerationEvent event) { output->OnEvent(std::move(event)); };
}

absl::Status GuardFailed() { return absl::UnavailableError("The content check did not answer; try again shortly."); }

}  // namespace baleen
