#include "services/gateway/resume/request_finder.h"

#include <algorithm>
#include <utility>

#include "services/common/decode_workers.h"

namespace baleen {
namespace {

constexpr absl::Duration kRecallTimeout = absl::Seconds(1);
constexpr absl::Duration kRemember = absl::Minutes(1);
constexpr size_t kMaxRemembered = 1024;

// One search: what its calls share.
struct Search {
  std::mutex mutex;
  RecallMerge merge;
  size_t open = 0;
  std::function<void(absl::StatusOr<FoundRequest>)> done;

  void OnReply(const absl::StatusOr<v1::RecallReply>& reply, bool matters) {
    absl::StatusOr<FoundRequest> result = absl::UnknownError("");
    {
      const std::lock_guard<std::mutex> lock(mutex);
      if (reply.ok()) {
        merge.Add(*reply);
      } else {
        merge.AddFailure(matters);
      }
      if (--open > 0) return;
      result = merge.Result();
    }
    std::exchange(done, nullptr)(std::move(result));
  }
};

// Its client may have sent it twice, at two times.
bool SameRequest(const std::string& a, const std::string& b) {
  v1::EdgeRequest first;
  v1::EdgeRequest second;
  if (a == b || !first.ParseFromString(a) || !second.ParseFromString(b)) return true;  // What cannot be read is found out later.
  return first.path() == second.path() && first.body() == second.body() && first.seed() == second.seed();
}

// As far as both go. Before a client has had a token, other arithmetic may begin anew with others.
bool SameTokens(const v1::RecalledSequence& a, const v1::RecalledSequence& b) {
  if (a.numerics_id() != b.numerics_id()) return true;
  const int both = std::min(a.generated_size(), b.generated_size());
  return std::equal(a.generated().begin(), a.generated().begin() + both, b.generated().begin());
}

}  // namespace

void RecallMerge::Add(const v1::RecallReply& reply) {
  for (const v1::RecalledSequence& sequence : reply.sequences()) {
    if (!newest_.empty() && !SameRequest(newest_.begin()->second.edge(), sequence.edge())) several_ = true;
    v1::RecalledSequence& newest = newest_[sequence.choice()];
    if (!SameTokens(newest, sequence)) several_ = true;
    const bool longer = sequence.attempt() == newest.attempt() && sequence.generated_size() > newest.generated_size();
    if (newest.edge().empty() || sequence.attempt() > newest.attempt() || longer) newest = sequence;
  }
}

absl::StatusOr<FoundRequest> RecallMerge::Result() const {
  if (newest_.empty()) {
    if (unsure_) return absl::UnavailableError("A worker that may have this request does not answer; try again shortly.");
    return absl::NotFoundError("There is no such request here, or its time to be resumed has passed.");
  }
  if (several_) return absl::AlreadyExistsError("Several requests were begun under this id, so that none of them can be resumed.");
  FoundRequest found;
  if (!found.edge.ParseFromString(newest_.begin()->second.edge())) return absl::DataLossError("The request cannot be resumed.");
  for (const auto& [choice, sequence] : newest_) {
    found.choices[choice] = {sequence.attempt(), {sequence.generated().begin(), sequence.generated().end()}, sequence.numerics_id()};
  }
  return found;
}

void RequestFinder::UpdateMap(const v1::ClusterMap& map) {
  const absl::Time now = clock_->Now();
  const std::lock_guard<std::mutex> lock(mutex_);
  for (auto& [address, worker] : workers_) worker.left = std::min(worker.left, now);
  for (const v1::Worker& worker : map.workers()) {
    if (Decodes(worker.info().role())) workers_[worker.info().address()].left = absl::InfiniteFuture();
  }
  const size_t surplus = workers_.size() > kMaxRemembered ? workers_.size() - kMaxRemembered : 0;
  size_t dropped = 0;
  std::erase_if(workers_, [&](const auto& entry) {
    const bool gone = entry.second.left != absl::InfiniteFuture();
    return gone && (now - entry.second.left > kRemember || dropped++ < surplus);
  });
}

void RequestFinder::Find(const v1::RecallRequest& request, std::function<void(absl::StatusOr<FoundRequest>)> done) {
  std::vector<std::pair<std::string, bool>> asked;
  {
    const std::lock_guard<std::mutex> lock(mutex_);
    for (const auto& [address, worker] : workers_) asked.emplace_back(address, worker.left == absl::InfiniteFuture());
  }
  if (asked.empty()) return done(absl::UnavailableError("No decode worker is known yet; try again shortly."));
  auto search = std::make_shared<Search>();
  search->open = asked.size();
  search->done = std::move(done);
  const absl::Time deadline = clock_->Now() + kRecallTimeout;
  for (const auto& [address, in_map] : asked) {
    client_->Recall(address, request, deadline,
                    [search, matters = in_map](const absl::StatusOr<v1::RecallReply>& reply) { search->OnReply(reply, matters); });
  }
}

}  // namespace baleen
