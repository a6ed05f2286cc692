// On every hop that a stream waits for, a peer that answers no pings for kWorkerSilence is given up, and one that only takes its time is
// not. Clocks and pings are real, and a machine may be busy: each test passes when one of a few tries does, and a rule that is not kept
// fails all of them.
#include <grpcpp/generic/async_generic_service.h>
#include <grpcpp/grpcpp.h>
#include <gtest/gtest.h>

#include <condition_variable>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <utility>

#include "absl/time/clock.h"
#include "absl/time/time.h"
#include "proto/baleen/v1/attention.pb.h"
#include "services/attention/prefill/fill_client.h"
#include "services/common/channel.h"
#include "services/gateway/generation/decode_stream.h"
#include "services/gateway/resume/recall_client.h"
#include "tests/silence/quiet_relay.h"
#include "transport/grpc/grpc_connector.h"

namespace baleen {
namespace {

constexpr int kTries = 6;
constexpr absl::Duration kDelay = absl::Milliseconds(100);  // Each way: a slow network, whose pings are answered in time.
constexpr absl::Duration kSlack = absl::Milliseconds(500);  // For threads that wait for a core.
constexpr absl::Duration kPatience = absl::Seconds(30);

// Takes every call of whatever method, and never answers.
class Holder final : public grpc::CallbackGenericService {
 public:
  grpc::ServerGenericBidiReactor* CreateReactor(grpc::GenericCallbackServerContext*) override {
    const std::lock_guard<std::mutex> lock(mutex_);
    called_ = true;
    change_.notify_all();
    return new Reactor;
  }
  bool WaitForCall() {
    std::unique_lock<std::mutex> lock(mutex_);
    return change_.wait_for(lock, absl::ToChronoMilliseconds(kPatience), [this] { return called_; });
  }

 private:
  struct Reactor final : grpc::ServerGenericBidiReactor {
    void OnCancel() override { Finish(grpc::Status::CANCELLED); }
    void OnDone() override { delete this; }
  };
  std::mutex mutex_;
  std::condition_variable change_;
  bool called_ = false;
};

// A server that answers pings as the services' do (services/common/server_runner.cc).
class Peer {
 public:
  Peer() {
    grpc::ServerBuilder builder;
    builder.AddListeningPort("127.0.0.1:0", grpc::InsecureServerCredentials(), &port_);
    builder.AddChannelArgument(GRPC_ARG_HTTP2_MAX_PING_STRIKES, 0);
    builder.RegisterCallbackGenericService(&holder_);
    server_ = builder.BuildAndStart();
  }
  ~Peer() { server_->Shutdown(std::chrono::system_clock::now()); }

  int port() const { return port_; }
  bool WaitForCall() { return holder_.WaitForCall(); }

 private:
  Holder holder_;
  int port_ = 0;
  std::unique_ptr<grpc::Server> server_;
};

// When a call ended.
class End {
 public:
  void Tell() {
    const std::lock_guard<std::mutex> lock(mutex_);
    told_ = true;
    change_.notify_all();
  }
  bool WaitFor(absl::Duration patience) {
    std::unique_lock<std::mutex> lock(mutex_);
    return change_.wait_for(lock, absl::ToChronoMilliseconds(patience), [this] { return told_; });
  }

 private:
  std::mutex mutex_;
  std::condition_variable change_;
  bool told_ = false;
};

// Opens a call by the hop's own client. Whoever owns the result owns the client; it cancels the call and waits for its end.
struct Hop {
  const char* name;
  std::shared_ptr<void> (*open)(const std::string& address, std::function<void()> ended);
};

std::shared_ptr<void> GatewayToDecode(const std::string& address, std::function<void()> ended) {
  struct Call {
    ~Call() { stream->Cancel(); }
    std::unique_ptr<DecodeDialer> dialer = MakeGrpcDecodeDialer(grpc::InsecureChannelCredentials());
    std::shared_ptr<DecodeStream> stream;
  };
  auto call = std::make_shared<Call>();
  DecodeCallbacks callbacks;
  callbacks.on_event = [](const v1::DecodeEvent&) {};
  callbacks.on_done = [ended = std::move(ended)](const absl::Status&) { ended(); };
  call->stream = call->dialer->Open(address, v1::StartSequence(), std::move(callbacks));
  return call;
}

std::shared_ptr<void> GatewayRecalls(const std::string& address, std::function<void()> ended) {
  std::shared_ptr<RecallClient> client = MakeGrpcRecallClient(grpc::InsecureChannelCredentials());
  client->Recall(address, v1::RecallRequest(), absl::Now() + kPatience,
                 [ended = std::move(ended)](const absl::StatusOr<v1::RecallReply>&) { ended(); });
  return client;
}

std::shared_ptr<void> DecodeToPrefill(const std::string& address, std::function<void()> ended) {
  auto client = std::make_shared<GrpcFillClient>(grpc::InsecureChannelCredentials());
  client->Fill(address, v1::FillRequest(), absl::Now() + kPatience, [ended = std::move(ended)](const absl::Status&) { ended(); });
  return client;
}

// To experts, and with KV pages; what opens UCX's streams goes over the same channels.
std::shared_ptr<void> WorkerStream(const std::string& address, std::function<void()> ended) {
  auto connector = std::make_shared<GrpcConnector>();
  StreamHandlers handlers;
  handlers.on_message = [](const Message&) {};
  handlers.on_closed = [ended = std::move(ended)](const absl::Status&) { ended(); };
  connector->Connect(address, "/baleen.v1.Expert/Exchange", std::move(handlers));
  return connector;
}

class PingSilenceTest : public testing::TestWithParam<Hop> {
 protected:
  // Whether a call through a relay was still open after `quiet_for`, where the relay is hushed at first or not.
  static bool Outlives(bool hushed, absl::Duration quiet_for) {
    Peer peer;
    QuietRelay relay(peer.port(), kDelay);
    auto end = std::make_shared<End>();
    const std::shared_ptr<void> call = GetParam().open(relay.address(), [end] { end->Tell(); });
    EXPECT_TRUE(peer.WaitForCall());
    if (hushed) relay.Hush();
    return !end->WaitFor(quiet_for);
  }

  static bool AnyTry(const std::function<bool()>& attempt) {
    for (int i = 0; i < kTries; ++i) {
      if (attempt()) return true;
    }
    return false;
  }
};

TEST_P(PingSilenceTest, APeerThatAnswersNoPingsIsGivenUpWithinTheBound) {
  EXPECT_TRUE(AnyTry([] { return !Outlives(/*hushed=*/true, kWorkerSilence + kSlack); }));
}

TEST_P(PingSilenceTest, APeerThatAnswersPingsMayTakeItsTime) {
  EXPECT_TRUE(AnyTry([] { return Outlives(/*hushed=*/false, 3 * kWorkerSilence); }));
}

INSTANTIATE_TEST_SUITE_P(Hops, PingSilenceTest,
                         testing::Values(Hop{"GatewayToDecode", GatewayToDecode}, Hop{"GatewayRecalls", GatewayRecalls},
                                         Hop{"DecodeToPrefill", DecodeToPrefill}, Hop{"WorkerStream", WorkerStream}),
                         [](const testing::TestParamInfo<Hop>& info) { return std::string(info.param.name); });

}  // namespace
}  // namespace baleen
