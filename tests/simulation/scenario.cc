#include "tests/simulation/scenario.h"

#include <utility>

#include "absl/strings/str_cat.h"
#include "services/attention/worker/choose_tokens.h"
#include "tests/simulation/sim_client.h"
#include "tests/simulation/sim_cluster.h"

namespace baleen {
namespace {

constexpr size_t kRequests = 10;
constexpr size_t kLastRequests = 2;  // Of a whole cluster, in the end.
constexpr absl::Duration kUntilWhole = absl::Seconds(60);
constexpr absl::Duration kUntilAnswered = absl::Minutes(4);

// The tokens of one process that nobody disturbs.
std::vector<int32_t> FaultFree(const SimRequest& request, int choice) {
  Sequence sequence;
  sequence.request.tokens = request.prompt;
  sequence.request.prompt_tokens = static_cast<int64_t>(request.prompt.size());
  sequence.request.sampler.temperature = static_cast<float>(request.temperature);
  sequence.request.sampler.seed = request.seed;
  sequence.request.sampler.choice = static_cast<uint32_t>(choice);
  sequence.request.stop.max_tokens = request.max_tokens;
  sequence.request.stop.max_positions = 512;
  std::vector<int32_t> made;
  for (int64_t i = 0; i < request.max_tokens; ++i) {
    std::vector<float> logits(FakeStepRunner::kVocab, 0.0f);
    logits[static_cast<size_t>(FakeStepRunner::Continue(sequence.request.tokens, 1)[0])] = 10.0f;
    made.push_back(ChooseTokens(sequence, logits, 1, FakeStepRunner::kVocab, {.ids = FakeStepRunner::kVocab}, 0).tokens[0].token);
    sequence.request.tokens.push_back(made.back());
  }
  return made;
}

SimRequest DrawRequest(EventLoop& loop, const std::vector<SimRequest>& before) {
  SimRequest request;
  // Some share a prefix with an earlier one.
  if (!before.empty() && loop.Chance(30)) {
    request.prompt = before[static_cast<size_t>(loop.Pick(static_cast<int64_t>(before.size())))].prompt;
    request.prompt.resize(static_cast<size_t>(1 + loop.Pick(static_cast<int64_t>(request.prompt.size()))));
  }
  const int64_t more = loop.Chance(50) ? 1 + loop.Pick(30) : 1 + loop.Pick(150);
  for (int64_t i = 0; i < more; ++i) request.prompt.push_back(static_cast<int32_t>(loop.Pick(FakeStepRunner::kVocab)));
  if (request.prompt.size() > 200) request.prompt.resize(200);
  request.max_tokens = 1 + loop.Pick(40);
  request.temperature = loop.Chance(50) ? 0 : 1;
  request.seed = static_cast<uint64_t>(loop.Pick(1 << 30));
  request.resumable = loop.Chance(40);
  request.choices = request.resumable || loop.Chance(70) ? 1 : 2;
  for (int choice = 0; choice < request.choices; ++choice) request.expected.push_back(FaultFree(request, choice));
  return request;
}

class Scenario {
 public:
  Scenario(uint32_t seed, const SharedParts& parts, const std::function<void(const std::string&)>& tell)
      : world_(seed, parts), storm_(seed % 2 == 1) {
    world_.tell = tell;
    for (size_t i = 0; i < kRequests + kLastRequests; ++i) requests_.push_back(DrawRequest(world_.loop, requests_));
    cluster_ = std::make_unique<SimCluster>(&world_, &requests_);
    client_ = std::make_unique<SimClient>(&world_, cluster_->gateways(), &requests_);
  }

  // What is under way refers to processes, and they to the network.
  ~Scenario() {
    world_.loop.Clear();
    world_.network.Clear();
  }

  ScenarioResult Run() {
    if (AwaitWhole("at first")) {
      StartLoad();
      storm_ ? Storm() : SingleFaults();
      cluster_->Heal();
      Await(
          kUntilAnswered, [this] { return started_ == kRequests && client_->outcomes().open == 0; }, "requests never ended");
      const int64_t failed = client_->outcomes().failed;
      if (!gateway_struck_ && client_->outcomes().gateway_died > 0) world_.Broken("a gateway left a request though nothing struck it");
      if (!storm_ && failed > 0) ReportFailures();
      if (AwaitWhole("in the end")) CheckTheEnd(failed);
    }
    return Result();
  }

 private:
  bool Await(absl::Duration timeout, const std::function<bool()>& done, const std::string& otherwise) {
    const absl::Time end = world_.loop.Now() + timeout;
    while (world_.loop.Now() < end && world_.broken.empty()) {
      if (done()) return true;
      world_.loop.RunUntil(world_.loop.Now() + absl::Milliseconds(100), [] { return false; });
    }
    if (world_.broken.empty()) world_.Broken(otherwise);
    return false;
  }

  bool AwaitWhole(const char* when) {
    if (!world_.broken.empty()) return false;
    const absl::Time end = world_.loop.Now() + kUntilWhole;
    while (!cluster_->Healthy()) {
      if (world_.loop.Now() > end) {
        world_.Broken(absl::StrCat("the cluster is not whole ", when, ": ", cluster_->WhyUnhealthy()));
        return false;
      }
      world_.loop.RunUntil(world_.loop.Now() + absl::Milliseconds(100), [] { return false; });
    }
    return true;
  }

  void StartLoad() {
    // Often many at once, so that KV runs short.
    const absl::Duration within = world_.loop.Chance(50) ? absl::Seconds(1) : absl::Seconds(9);
    for (size_t i = 0; i < kRequests; ++i) {
      world_.loop.After(world_.loop.Between(absl::ZeroDuration(), within), [this, i] {
        ++started_;
        client_->Start(i);
      });
    }
  }

  void Storm() {
    const int64_t faults = 4 + world_.loop.Pick(6);
    for (int64_t i = 0; i < faults; ++i) {
      world_.loop.After(world_.loop.Between(absl::ZeroDuration(), absl::Seconds(9)), [this] { Disturb(); });
    }
    world_.loop.RunUntil(world_.loop.Now() + absl::Seconds(12), [this] { return !world_.broken.empty(); });
  }

  void SingleFaults() {
    for (int i = 0; i < 3 && world_.broken.empty(); ++i) {
      world_.loop.RunUntil(world_.loop.Now() + world_.loop.Between(absl::Milliseconds(100), absl::Seconds(2)), [] { return false; });
      const bool gateway = Disturb();
      // Until what was drawn is over.
      world_.loop.RunUntil(world_.loop.Now() + absl::Milliseconds(300), [] { return false; });
      if (!AwaitWhole("after a fault")) return;
      // An answer that a gateway did not deliver is with its decode worker alone until its client has come back.
      const absl::Time whole = world_.loop.Now();
      if (gateway && !Await(
                         kUntilAnswered, [&] { return client_->AllHeardSince(whole); }, "a stream stands still after a gateway's fault")) {
        return;
      }
    }
  }

  // Whether a gateway was struck.
  bool Disturb() {
    ++faults_;
    const bool gateway = cluster_->Disturb();
    gateway_struck_ = gateway_struck_ || gateway;
    return gateway;
  }

  void CheckTheEnd(int64_t failed_before) {
    for (size_t i = kRequests; i < requests_.size(); ++i) client_->Start(i);
    if (!Await(
            absl::Seconds(60), [this] { return client_->outcomes().open == 0; }, "a whole cluster does not answer"))
      return;
    if (client_->outcomes().failed > failed_before) ReportFailures();
    world_.loop.RunUntil(world_.loop.Now() + absl::Seconds(2), [] { return false; });
    cluster_->CheckNothingIsHeld();
  }

  void ReportFailures() {
    for (const auto& [error, times] : client_->errors()) world_.Broken(absl::StrCat(times, " requests failed: ", error));
  }

  ScenarioResult Result() const {
    const ClientOutcomes& outcomes = client_->outcomes();
    return {.broken = world_.broken,
            .requests = static_cast<int64_t>(started_ + kLastRequests),
            .answered = outcomes.answered,
            .failed = outcomes.failed,
            .resumes = outcomes.resumes,
            .faults = faults_,
            .preemptions = cluster_->preemptions(),
            .rebalances = cluster_->rebalances(),
            .remote_fills = cluster_->remote_fills(),
            .copied_blocks = cluster_->copied_blocks()};
  }

  World world_;
  const bool storm_;
  std::vector<SimRequest> requests_;
  std::unique_ptr<SimCluster> cluster_;
  std::unique_ptr<SimClient> client_;
  size_t started_ = 0;
  bool gateway_struck_ = false;
  int64_t faults_ = 0;
};

}  // namespace

ScenarioResult RunScenario(uint32_t seed, const SharedParts& parts, const std::function<void(const std::string&)>& tell) {
  return Scenario(seed, parts, tell).Run();
}

}  // namespace baleen
