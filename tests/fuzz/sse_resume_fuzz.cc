// A resumable stream taken up after any event: the client gets exactly the events it has not had, to the byte, of each choice.

#include <prometheus/registry.h>

#include <algorithm>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_split.h"
#include "absl/strings/strip.h"
#include "services/gateway/probe.h"
#include "services/gateway/rest/rest_api.h"
#include "services/gateway/resume/event_cursor.h"
#include "services/gateway/resume/request_finder.h"
#include "services/gateway/testing/fake_responder.h"
#include "services/gateway/testing/scripted_decode.h"
#include "tests/fuzz/fuzz_input.h"
#include "tests/fuzz/tiny_model.h"

namespace baleen {
namespace {

constexpr char kRequestId[] = "000102030405060708090a0b0c0d0e0f";

// The one decode worker: says its script, and keeps the request as if its gateway had died after some tokens.
class Worker final : public DecodeDialer, public RecallClient {
 public:
  void Begin(std::vector<int32_t> tokens, size_t kept) {
    DecodeScript script;
    script.tokens = std::move(tokens);
    kept_.assign(script.tokens.begin(), script.tokens.begin() + static_cast<std::ptrdiff_t>(std::min(kept, script.tokens.size())));
    decode_ = std::make_unique<ScriptedDecode>(std::move(script));
    edge_.clear();
    numerics_id_.clear();
  }

  std::shared_ptr<DecodeStream> Open(const std::string& address, v1::StartSequence start, DecodeCallbacks callbacks) override {
    if (edge_.empty()) {
      edge_ = start.edge();
      numerics_id_ = start.context().numerics_id();
    }
    return decode_->Open(address, std::move(start), std::move(callbacks));
  }

  void Recall(const std::string&, const v1::RecallRequest&, absl::Time, RecallDone done) override {
    v1::RecallReply reply;
    v1::RecalledSequence* sequence = reply.add_sequences();
    sequence->set_attempt(1);
    sequence->set_edge(edge_);
    sequence->set_numerics_id(numerics_id_);
    sequence->mutable_generated()->Add(kept_.begin(), kept_.end());
    done(std::move(reply));
  }

 private:
  std::unique_ptr<ScriptedDecode> decode_;
  std::string edge_;
  std::string numerics_id_;
  std::vector<int32_t> kept_;
};

class Gateway {
 public:
  Gateway() {
    AddReadyWorker(&picker_);
    v1::ClusterMap map;
    map.add_workers()->mutable_info()->set_role(v1::ROLE_DECODE);
    finder_.UpdateMap(map);
    RestApiOptions options;
    options.model = &TinyModel(2);
    options.generation = {options.model->tokenizer.get(), &worker_, &picker_};
    options.probe = &probe_;
    options.readiness = [] { return absl::OkStatus(); };
    options.finder = &finder_;
    api_ = std::make_unique<RestApi>(std::move(options));
  }

  Worker& worker() { return worker_; }

  std::shared_ptr<FakeResponder> Ask(const char* method, const std::string& path, const std::string& body, HttpHeaders headers) {
    auto responder = std::make_shared<FakeResponder>();
    HttpRequest request;
    request.method = method;
    request.path = path;
    request.body = PrivateText(body);
    request.headers = std::move(headers);
    api_->Handle(std::move(request), responder);
    if (responder->ended) responder->Close();
    return responder;
  }

 private:
  prometheus::Registry registry_;
  GatewayProbe probe_{registry_, "tiny"};
  WorkerPicker picker_;
  Worker worker_;
  RequestFinder finder_{&worker_, Clock::Real()};
  std::unique_ptr<RestApi> api_;
};

struct Event {
  EventCounts counts;  // As its id has them.
  std::string data;
};

std::vector<Event> EventsOf(const std::string& stream) {
  std::vector<Event> events;
  for (const absl::string_view block : absl::StrSplit(stream, "\n\n", absl::SkipEmpty())) {
    if (!absl::StartsWith(block, "id: ")) continue;  // An error.
    const std::pair<absl::string_view, absl::string_view> lines = absl::StrSplit(block, absl::MaxSplits('\n', 1));
    absl::StatusOr<EventCounts> counts = ParseEventId(absl::StripPrefix(lines.first, "id: "));
    Require(counts.ok() && !counts->empty(), "an event has an id");
    events.push_back({*std::move(counts), std::string(lines.second)});
  }
  return events;
}

std::string Joined(const std::vector<Event>& events) {
  return absl::StrJoin(events, "\n", [](std::string* out, const Event& event) { *out += event.data; });
}

// The events that a client lacks which has had so many of each choice.
std::vector<Event> Lacked(const std::vector<Event>& events, const EventCounts& had) {
  std::vector<Event> lacked;
  EventCounts before;
  for (const Event& event : events) {
    before.resize(event.counts.size());
    size_t choice = 0;
    while (event.counts[choice] == before[choice]) ++choice;
    if (had.empty() || event.counts[choice] > had[choice]) lacked.push_back(event);
    before = event.counts;
  }
  return lacked;
}

}  // namespace
}  // namespace baleen

// How many tokens the worker keeps, Last-Event-ID in a line, how many tokens it says, these, the request's body.
extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace baleen;
  static auto* const gateway = new Gateway;
  FuzzInput input(data, size);
  const size_t kept = input.Byte();
  const std::string last_event = input.Line();
  std::vector<int32_t> tokens;
  for (size_t left = input.Byte(); left > 0; --left) tokens.push_back((input.Byte() | input.Byte() << 8) % TinyModel(2).tokenizer->size());
  const std::string body = input.Rest();
  gateway->worker().Begin(tokens, kept);
  const std::string path = absl::StrContains(body, "\"messages\"") ? "/v1/chat/completions" : "/v1/completions";
  const auto first = gateway->Ask("POST", path, body, {{"x-baleen-resumable", "1"}, {"x-request-id", kRequestId}});
  Require(first->ended, "a request is answered");
  if (first->Header("content-type") != "text/event-stream") return 0;
  const auto resumed = gateway->Ask("GET", absl::StrCat("/v1/requests/", kRequestId, "/events"), "", {{"last-event-id", last_event}});
  Require(resumed->ended, "so is one that goes on with it");
  const std::vector<Event> all = EventsOf(first->body);
  Require(!all.empty(), "a stream has an end");
  const absl::StatusOr<EventCounts> had = ParseEventId(last_event);
  if (!had.ok() || (!had->empty() && had->size() != all[0].counts.size())) {
    Require(resumed->status == 400, "what is no event's id is refused");
    return 0;
  }
  const bool reached = std::equal(had->begin(), had->end(), all.back().counts.begin(), std::less_equal<int64_t>());
  Require(reached || absl::StrContains(resumed->body, "Last-Event-ID"), "nor is a later one than the last");
  Require(resumed->status == 200 || !reached, "a request that is there is taken up");
  Require(Joined(EventsOf(resumed->body)) == Joined(Lacked(all, *had)), "the events are those the client has not had");
  return 0;
}
