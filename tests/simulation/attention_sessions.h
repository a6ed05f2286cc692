// What runs on an attention node for one caller.
#ifndef BALEEN_TESTS_SIMULATION_ATTENTION_SESSIONS_H_
#define BALEEN_TESTS_SIMULATION_ATTENTION_SESSIONS_H_

#include <functional>
#include <memory>
#include <optional>
#include <string>

#include "services/attention/prefill/fill_call.h"
#include "tests/simulation/attention_node.h"
#include "transport/transport.h"

namespace baleen {

// One sequence: as DecodeStream.
class AttentionNode::DecodeSession final : public SequenceObserver, public std::enable_shared_from_this<DecodeSession> {
 public:
  DecodeSession(AttentionNode* node, std::shared_ptr<Pipe> pipe) : node_(node), pipe_(std::move(pipe)) {}

  void OnPacket(const Packet& packet);
  void OnClosed();
  void OnAdmitted() override;
  void OnPrefilled(int64_t prompt_tokens, int64_t cached_tokens) override;
  void OnToken(int64_t index, const SampledToken& token) override;
  void OnFinished(const absl::Status& status, StopReason reason) override;

 private:
  void Begin(const v1::StartSequence& start);

  AttentionNode* const node_;
  const std::shared_ptr<Pipe> pipe_;
  std::shared_ptr<ResumeTable::Entry> journal_;
  std::optional<SequenceId> sequence_;
  bool over_ = false;
};

// One fill of KV for a decode worker: as FillCall.
class AttentionNode::FillSession final : public SequenceObserver, public std::enable_shared_from_this<FillSession> {
 public:
  FillSession(AttentionNode* node, std::shared_ptr<Pipe> pipe) : node_(node), pipe_(std::move(pipe)) {}

  void Begin(const v1::FillRequest& request);
  void OnClosed();
  void OnLayer(absl::Span<const BlockId> blocks, int layer, int64_t first, int64_t count) override;
  void OnFinished(const absl::Status& status, StopReason reason) override;

 private:
  void OnPushOver(const absl::Status& status);
  void Reply(const absl::Status& status);

  AttentionNode* const node_;
  const std::shared_ptr<Pipe> pipe_;
  int64_t first_ = 0;
  std::shared_ptr<KvTransferHandle> push_;
  std::optional<SequenceId> sequence_;
  absl::Status stopped_;
  bool replied_ = false;
};

// The transport's streams over pipes.
class AttentionNode::PipeConnector final : public Connector {
 public:
  PipeConnector(World* world, std::string host) : world_(world), host_(std::move(host)) {}

  std::shared_ptr<Connection> Connect(const std::string& address, const std::string& method, StreamHandlers handlers) override;
  void Listen(const std::string& method, AcceptFunction accept);

 private:
  World* const world_;
  const std::string host_;
};

class AttentionNode::PipeFillClient final : public FillClient {
 public:
  PipeFillClient(World* world, std::string host) : world_(world), host_(std::move(host)) {}

  std::function<void()> Fill(const std::string& address, const v1::FillRequest& request, absl::Time deadline,
                             std::function<void(absl::Status)> done) override;

 private:
  World* const world_;
  const std::string host_;
};

}  // namespace baleen

#endif  // BALEEN_TESTS_SIMULATION_ATTENTION_SESSIONS_H_
