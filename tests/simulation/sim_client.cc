#include "tests/simulation/sim_client.h"

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"

namespace baleen {
namespace {

constexpr absl::Duration kAgain = absl::Milliseconds(300);
constexpr int kMaxTries = 60;

}  // namespace

SimClient::SimClient(World* world, std::vector<std::string> gateways, const std::vector<SimRequest>* requests)
    : world_(world), gateways_(std::move(gateways)), requests_(requests) {
  world_->network.Boot(kClientHost);
}

void SimClient::Start(size_t request) {
  auto running = std::make_shared<Running>();
  running->request = request;
  running->gateway = static_cast<size_t>(world_->loop.Pick(static_cast<int64_t>(gateways_.size())));
  running->tokens.resize(static_cast<size_t>((*requests_)[request].choices));
  running->heard = world_->loop.Now();
  started_.push_back(running);
  ++outcomes_.open;
  Connect(running);
}

void SimClient::Connect(const RunningPtr& running) {
  PipeHandlers handlers;
  handlers.on_packet = [this, running, connection = ++running->connection](const Packet& packet) {
    if (running->connection == connection) OnEvent(running, *std::any_cast<ClientEvent>(&packet));
  };
  handlers.on_closed = [this, running, connection = running->connection](const absl::Status&) {
    if (running->connection == connection && running->tries >= 0) OnBroken(running);
  };
  const auto pipe = world_->network.Open(kClientHost, gateways_[running->gateway], kClientService, std::move(handlers));
  if (running->begun) {
    ++outcomes_.resumes;
    (void)pipe->Send(ClientResume{RequestId(running->request, running->start), running->tokens[0].size()});
  } else {
    (void)pipe->Send(ClientStart{running->request, ++running->start});
  }
}

bool SimClient::AllHeardSince(absl::Time time) const {
  return std::all_of(started_.begin(), started_.end(), [time](const RunningPtr& one) { return one->tries < 0 || one->heard >= time; });
}

void SimClient::OnEvent(const RunningPtr& running, const ClientEvent& event) {
  running->heard = world_->loop.Now();
  if (running->tries < 0) return world_->Broken(absl::StrCat("request ", running->request, " went on after its end"));
  if (event.token.has_value()) return OnToken(*running, event);
  if (event.last) return OnLast(running, event);
  ++running->ended;
}

void SimClient::OnToken(Running& running, const ClientEvent& event) {
  running.begun = true;
  std::vector<int32_t>& tokens = running.tokens[event.choice];
  const std::vector<int32_t>& expected = (*requests_)[running.request].expected[event.choice];
  if (event.index != tokens.size()) {
    world_->Broken(absl::StrCat("request ", running.request, ": token ", event.index, " where ", tokens.size(), " was due"));
  } else if (event.index >= expected.size() || *event.token != expected[event.index]) {
    world_->Broken(absl::StrCat("request ", running.request, ": token ", event.index, " is ", *event.token, ", not the fault-free one"));
  }
  tokens.push_back(*event.token);
}

void SimClient::OnLast(const RunningPtr& running, const ClientEvent& event) {
  const SimRequest& request = (*requests_)[running->request];
  if (!event.status.ok()) {
    // Retryable by contract; a resumed request is only ever asked for again.
    if (absl::IsUnavailable(event.status) && request.resumable && running->tries < kMaxTries) return Again(running);
    ++errors_[absl::StrCat(running->begun ? "begun: " : "new: ", event.status.ToString())];
    world_->Tell(absl::StrCat("request ", running->request, " failed: ", event.status.ToString()));
    running->tries = -1;
    return Finish(&ClientOutcomes::failed);
  }
  int64_t total = 0;
  for (size_t choice = 0; choice < running->tokens.size(); ++choice) {
    total += static_cast<int64_t>(running->tokens[choice].size());
    if (running->tokens[choice] == request.expected[choice]) continue;
    world_->Broken(absl::StrCat("request ", running->request, " choice ", choice, " ended with ", running->tokens[choice].size(),
                                " tokens, without faults ", request.expected[choice].size()));
  }
  if (event.completion_tokens != total) {
    world_->Broken(absl::StrCat("request ", running->request, ": usage says ", event.completion_tokens, " tokens, there were ", total));
  }
  running->tries = -1;
  Finish(&ClientOutcomes::answered);
}

void SimClient::OnBroken(const RunningPtr& running) {
  const SimRequest& request = (*requests_)[running->request];
  if (!request.resumable) {
    world_->Tell(absl::StrCat("request ", running->request, " lost its gateway"));
    running->tries = -1;
    return Finish(&ClientOutcomes::gateway_died);
  }
  if (running->tries >= kMaxTries) return world_->Broken(absl::StrCat("request ", running->request, " finds no gateway"));
  Again(running);
}

void SimClient::Again(const RunningPtr& running) {
  ++running->tries;
  ++running->connection;
  running->gateway = (running->gateway + 1) % gateways_.size();
  world_->network.After(kClientHost, kAgain, [this, running] { Connect(running); });
}

void SimClient::Finish(int64_t ClientOutcomes::*outcome) {
  --outcomes_.open;
  ++(outcomes_.*outcome);
}

}  // namespace baleen
