#include "tests/simulation/gateway_node.h"

#include <algorithm>
#include <utility>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "services/gateway/generation/choices.h"
#include "tests/simulation/attention_node.h"

namespace baleen {

std::string RequestId(size_t request, int start) {
  std::string id = absl::StrCat("request ", request, "/", start);
  id.resize(16, '.');
  return id;
}

class GatewayNode::Dialer final : public DecodeDialer {
 public:
  Dialer(World* world, std::string host) : world_(world), host_(std::move(host)) {}

  // Who is called back owns the stream: what a request that its client left runs on, say.
  ~Dialer() override {
    for (const std::weak_ptr<Stream>& opened : opened_) {
      if (const std::shared_ptr<Stream> stream = opened.lock()) stream->callbacks = {};
    }
  }

  std::shared_ptr<DecodeStream> Open(const std::string& address, v1::StartSequence start, DecodeCallbacks callbacks) override {
    auto stream = std::make_shared<Stream>();
    stream->callbacks = std::move(callbacks);
    // The pipe's handlers keep the stream until it is over, as gRPC does with a reactor.
    stream->pipe = world_->network.Open(host_, address, kDecodeService,
                                        {.on_packet = [stream](const Packet& packet) { stream->OnPacket(packet); },
                                         .on_closed = [stream](absl::Status why) { stream->Done(std::move(why)); }});
    stream->world = world_;
    stream->host = host_;
    (void)stream->pipe->Send(std::move(start));
    opened_.push_back(stream);
    return stream;
  }

 private:
  struct Stream final : DecodeStream, std::enable_shared_from_this<Stream> {
    void OnPacket(const Packet& packet) {
      const DecodeCallbacks kept = callbacks;
      if (kept.on_event) kept.on_event(*std::any_cast<v1::DecodeEvent>(&packet));
    }
    void Done(absl::Status why) {
      const DecodeCallbacks last = std::exchange(callbacks, {});
      if (last.on_done) last.on_done(std::move(why));
    }
    void Cancel() override {
      (void)pipe->Send(DecodeCancel());
      Detach();
    }
    void Detach() override {
      pipe->Close(absl::CancelledError("the gateway left"));
      world->network.After(host, absl::ZeroDuration(), [self = shared_from_this()] { self->Done(absl::CancelledError("left")); });
    }

    World* world = nullptr;
    std::string host;
    DecodeCallbacks callbacks;
    std::shared_ptr<Pipe> pipe;
  };

  World* const world_;
  const std::string host_;
  std::vector<std::weak_ptr<Stream>> opened_;
};

class GatewayNode::Recaller final : public RecallClient {
 public:
  Recaller(World* world, std::string host) : world_(world), host_(std::move(host)) {}

  void Recall(const std::string& address, const v1::RecallRequest& request, absl::Time deadline, RecallDone done) override {
    world_->network.Call(host_, address, kRecallCall, request, deadline - world_->loop.Now(),
                         [done = std::move(done)](absl::StatusOr<std::any> result) {
                           if (!result.ok()) return done(result.status());
                           done(*std::any_cast<v1::RecallReply>(&*result));
                         });
  }

 private:
  World* const world_;
  const std::string host_;
};

// One client's connection.
class GatewayNode::Session final : public std::enable_shared_from_this<Session> {
 public:
  Session(GatewayNode* node, std::shared_ptr<Pipe> pipe) : node_(node), pipe_(std::move(pipe)) {}

  void OnPacket(const Packet& packet) {
    if (const auto* start = std::any_cast<ClientStart>(&packet))
      return Begin(start->request, RequestId(start->request, start->start), std::nullopt, 0);
    const ClientResume resume = *std::any_cast<ClientResume>(&packet);
    v1::RecallRequest recall;
    recall.set_request_id(resume.id);
    node_->finder_.Find(recall, [self = shared_from_this(), resume](const absl::StatusOr<FoundRequest>& found) {
      if (!found.ok()) return self->Fail(found.status());
      size_t request = 0;
      if (!absl::SimpleAtoi(found->edge.body(), &request)) return self->Fail(absl::DataLossError("the edge is not what was kept"));
      self->Begin(request, resume.id, found->choices.at(0), resume.tokens);
    });
  }

  void OnClosed() {
    gone_ = true;
    if (generation_ == nullptr) return;
    const std::shared_ptr<Generation> generation = std::exchange(generation_, nullptr);
    resumable_ ? generation->Detach() : generation->Cancel();
    Over();
  }

  // The process has died: its generation owns this and is owned by it.
  void Forget() {
    if (const std::shared_ptr<Generation> generation = std::exchange(generation_, nullptr)) generation->Cancel();
  }

 private:
  void Begin(size_t index, const std::string& id, std::optional<GenerationResume> resume, size_t from) {
    const SimRequest& request = (*node_->requests_)[index];
    from_ = from;
    resumable_ = request.resumable;
    GenerationInput input;
    input.request_id = id;
    input.prompt = request.prompt;
    input.deadline = node_->world_->loop.Now() + absl::Minutes(3);
    input.spec.max_tokens = request.max_tokens;
    input.spec.temperature = request.temperature;
    input.spec.seed = request.seed;
    input.spec.choices = request.choices;
    input.spec.ignore_eos = true;
    if (resume) input.resume[0] = *std::move(resume);
    if (resumable_) {
      v1::EdgeRequest edge;
      edge.set_body(absl::StrCat(index));
      input.edge = PrivateText(edge.SerializeAsString());
    }
    runs_ = true;
    ++node_->running_;
    counts_.assign(static_cast<size_t>(request.choices), 0);
    auto generation = StartChoices(
        node_->Context(), input, [](GenerationSink sink) { return sink; },
        [self = shared_from_this()](const GenerationEvent& event) { self->OnEvent(event); });
    if (over_) return;
    generation_ = std::move(generation);
    if (gone_) OnClosed();
  }

  void OnEvent(const GenerationEvent& event) {
    for (const TokenChoice& token : event.tokens) {
      const size_t index = counts_[event.choice]++;
      if (index >= from_) (void)pipe_->Send(ClientEvent{event.choice, index, token.token, {}, 0, false});
    }
    if (!event.last()) return;
    ClientEvent end{event.choice, counts_[event.choice], std::nullopt, event.status, event.usage.completion_tokens, event.ends_request()};
    (void)pipe_->Send(end);
    if (!end.last) return;
    over_ = true;
    generation_ = nullptr;
    Over();
    pipe_->Close(absl::OkStatus());
  }

  void Over() {
    if (std::exchange(runs_, false)) --node_->running_;
  }

  void Fail(const absl::Status& status) {
    (void)pipe_->Send(ClientEvent{0, 0, std::nullopt, status, 0, true});
    pipe_->Close(absl::OkStatus());
  }

  GatewayNode* const node_;
  const std::shared_ptr<Pipe> pipe_;
  std::shared_ptr<Generation> generation_;
  std::vector<size_t> counts_;
  size_t from_ = 0;
  bool resumable_ = false;
  bool runs_ = false;  // Counts among the node's.
  bool gone_ = false;
  bool over_ = false;
};

GatewayNode::GatewayNode(World* world, const std::string& host, const std::string& worker_id, const std::vector<std::string>& placements,
                         const std::vector<SimRequest>* requests)
    : world_(world),
      host_(host),
      requests_(requests),
      timers_(world->network.TimersOf(host)),
      dialer_(std::make_unique<Dialer>(world, host)),
      recaller_(std::make_unique<Recaller>(world, host)),
      picker_(&world->loop),
      finder_(recaller_.get(), &world->loop) {
  world_->network.Boot(host_);
  world_->network.Listen(host_, kClientService, [this](std::shared_ptr<Pipe> pipe) -> PipeHandlers {
    auto session = std::make_shared<Session>(this, std::move(pipe));
    sessions_.push_back(session);
    return {.on_packet = [session](const Packet& packet) { session->OnPacket(packet); },
            .on_closed = [session](absl::Status) { session->OnClosed(); }};
  });
  StartAgent(worker_id, placements);
}

GatewayNode::~GatewayNode() {
  for (const std::weak_ptr<Session>& opened : sessions_) {
    if (const std::shared_ptr<Session> session = opened.lock()) session->Forget();
  }
}

void GatewayNode::StartAgent(const std::string& worker_id, const std::vector<std::string>& placements) {
  WorkerAgentOptions options{.host = host_, .placements = placements};
  options.worker.set_worker_id(worker_id);
  options.worker.set_role(v1::ROLE_GATEWAY);
  options.worker.set_address(host_);
  options.report = [](v1::HeartbeatRequest* request) { request->set_ready(true); };
  options.on_map = [this](const MapPtr& map) {
    picker_.UpdateMap(map);
    finder_.UpdateMap(*map);
  };
  agent_ = std::make_unique<WorkerAgent>(world_, std::move(options));
}

GenerationContext GatewayNode::Context() {
  GenerationContext context{world_->parts.tokenizer, dialer_.get(), &picker_, &quarantine_, nullptr};
  context.recaller = recaller_.get();
  context.clock = &world_->loop;
  context.timers = timers_.get();
  return context;
}

void GatewayNode::CheckNothingIsHeld() {
  if (running_ != 0) world_->Broken(absl::StrCat(host_, " still runs ", running_, " requests"));
  if (quarantine_.size() != 0) world_->Broken(absl::StrCat(host_, "'s quarantine still holds ", quarantine_.size(), " requests"));
}

}  // namespace baleen
