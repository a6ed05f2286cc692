#include "services/gateway/guardrail/measured_guard.h"

#include <prometheus/counter.h>
#include <prometheus/histogram.h>
#include <prometheus/registry.h>

#include <atomic>
#include <mutex>
#include <set>
#include <utility>

#include "absl/strings/ascii.h"
#include "absl/time/time.h"
#include "base/clock.h"
#include "services/common/log.h"
#include "services/common/request_id.h"

namespace baleen {
namespace {

using CounterFamily = prometheus::Family<prometheus::Counter>;

constexpr size_t kMaxCategories = 32;
constexpr size_t kMaxNameBytes = 64;
constexpr char kOther[] = "other";
const prometheus::Histogram::BucketBoundaries kSeconds = {0.00001, 0.0001, 0.001, 0.005, 0.01, 0.05, 0.1, 0.5, 1, 5};

bool IsName(const std::string& name) {
  if (name.empty() || name.size() > kMaxNameBytes) return false;
  for (const char c : name) {
    if (!absl::ascii_islower(c) && !absl::ascii_isdigit(c) && c != '_') return false;
  }
  return true;
}

// Of prompts, or of output. Thread-safe.
class SubjectMetrics {
 public:
  SubjectMetrics(const char* subject, const std::vector<std::string>& categories, CounterFamily& checks, CounterFamily& failures,
                 prometheus::Family<prometheus::Histogram>& seconds, CounterFamily& blocks, CounterFamily& noted)
      : subject_(subject),
        checks_(checks.Add({{"subject", subject}})),
        failures_(failures.Add({{"subject", subject}})),
        seconds_(seconds.Add({{"subject", subject}}, kSeconds)),
        blocks_(blocks),
        noted_(noted),
        known_(categories.begin(), categories.end()) {
    for (const std::string& name : known_) {
      Of(blocks_, name);
      Of(noted_, name);
    }
  }

  void Answered(const GuardVerdict& verdict, absl::Duration elapsed) {
    checks_.Increment();
    seconds_.Observe(absl::ToDoubleSeconds(elapsed));
    if (!verdict.status.ok()) failures_.Increment();
    if (verdict.block) Of(blocks_, Known(verdict.category)).Increment();
    for (const std::string& name : verdict.noted) Of(noted_, Known(name)).Increment();
  }

 private:
  prometheus::Counter& Of(CounterFamily& family, const std::string& category) {
    return family.Add({{"subject", subject_}, {"category", category}});
  }

  // What a label may hold: few names, and none that could be text.
  std::string Known(const std::string& name) {
    const std::lock_guard<std::mutex> lock(mutex_);
    if (known_.count(name) > 0) return name;
    if (known_.size() >= kMaxCategories || !IsName(name)) return kOther;
    known_.insert(name);
    return name;
  }

  const std::string subject_;
  prometheus::Counter& checks_;
  prometheus::Counter& failures_;
  prometheus::Histogram& seconds_;
  CounterFamily& blocks_;
  CounterFamily& noted_;
  std::mutex mutex_;
  std::set<std::string> known_;
};

CounterFamily& Counters(prometheus::Registry& registry, const char* name, const char* help) {
  return prometheus::BuildCounter().Name(name).Help(help).Register(registry);
}

struct Metrics {
  Metrics(const std::vector<std::string>& categories, prometheus::Registry& registry)
      : checks(Counters(registry, "baleen_guardrail_checks_total", "Texts judged: prompts and pieces of output.")),
        failures(Counters(registry, "baleen_guardrail_failures_total", "Checks that the guard did not answer.")),
        seconds(
            prometheus::BuildHistogram().Name("baleen_guardrail_check_seconds").Help("From a check to its verdict.").Register(registry)),
        blocks(Counters(registry, "baleen_guardrail_blocks_total", "Prompts refused and choices ended.")),
        noted(Counters(registry, "baleen_guardrail_noted_total", "Findings that blocked nothing.")),
        prompt("prompt", categories, checks, failures, seconds, blocks, noted),
        output("output", categories, checks, failures, seconds, blocks, noted) {}

  CounterFamily& checks;
  CounterFamily& failures;
  prometheus::Family<prometheus::Histogram>& seconds;
  CounterFamily& blocks;
  CounterFamily& noted;
  SubjectMetrics prompt;
  SubjectMetrics output;
};

// Says once of a request that its guard failed. By code alone: a guard's words may be those that it was to judge.
class FailureLog {
 public:
  explicit FailureLog(std::string request_id) : request_id_(std::move(request_id)) {}
  void Note(const absl::Status& status) {
    if (status.ok() || told_.test_and_set()) return;
    Log(LogLevel::kWarning, "guard_failed", {{"request", RequestIdToHex(request_id_)}, {"code", absl::StatusCodeToString(status.code())}});
  }

 private:
  const std::string request_id_;
  std::atomic_flag told_;
};

class MeasuredSession final : public GuardSession {
 public:
  MeasuredSession(std::shared_ptr<GuardSession> session, std::shared_ptr<Metrics> metrics, const std::string& request_id)
      : session_(std::move(session)), metrics_(std::move(metrics)), failure_(std::make_shared<FailureLog>(request_id)) {}
  void CheckPrompt(PrivateText text, GuardDone done) override {
    session_->CheckPrompt(std::move(text), Measured(&Metrics::prompt, std::move(done)));
  }
  void CheckOutput(GuardPiece piece, GuardDone done) override {
    session_->CheckOutput(std::move(piece), Measured(&Metrics::output, std::move(done)));
  }
  void Cancel() override { session_->Cancel(); }

 private:
  GuardDone Measured(SubjectMetrics Metrics::*subject, GuardDone done) const {
    return [metrics = metrics_, failure = failure_, subject, done = std::move(done), start = Clock::Real()->Now()](GuardVerdict verdict) {
      ((*metrics).*subject).Answered(verdict, Clock::Real()->Now() - start);
      failure->Note(verdict.status);
      done(std::move(verdict));
    };
  }

  const std::shared_ptr<GuardSession> session_;
  const std::shared_ptr<Metrics> metrics_;
  const std::shared_ptr<FailureLog> failure_;
};

class MeasuredGuard final : public Guard {
 public:
  MeasuredGuard(std::unique_ptr<Guard> guard, const std::vector<std::string>& categories, prometheus::Registry& registry)
      : metrics_(std::make_shared<Metrics>(categories, registry)), guard_(std::move(guard)) {}
  std::shared_ptr<GuardSession> Open(const std::string& request_id) override {
    return std::make_shared<MeasuredSession>(guard_->Open(request_id), metrics_, request_id);
  }

 private:
  const std::shared_ptr<Metrics> metrics_;  // Shared with sessions, which may outlive the guard.
  const std::unique_ptr<Guard> guard_;
};

}  // namespace

std::unique_ptr<Guard> MeasureGuard(std::unique_ptr<Guard> guard, const std::vector<std::string>& categories,
                                    prometheus::Registry& registry) {
  return std::make_unique<MeasuredGuard>(std::move(guard), categories, registry);
}

}  // namespace baleen
