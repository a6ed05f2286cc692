// Attempts over real streams, at a decode worker that does what a test says.
#include "services/gateway/generation/decode_stream.h"

#include <grpcpp/grpcpp.h>
#include <gtest/gtest.h>

#include <atomic>
#include <chrono>
#include <functional>
#include <future>
#include <memory>
#include <string>
#include <utility>

#include "absl/strings/str_cat.h"
#include "base/clock.h"
#include "proto/baleen/v1/attention.grpc.pb.h"
#include "services/gateway/admission/admission.h"
#include "services/gateway/generation/generation.h"
#include "services/gateway/generation/generation_fixture.h"

namespace baleen {
namespace {

constexpr auto kPatience = std::chrono::seconds(10);

class StubDecode final : public v1::Decode::Service {
 public:
  using Stream = grpc::ServerReaderWriter<v1::DecodeEvent, v1::DecodeCommand>;

  explicit StubDecode(std::function<void(grpc::ServerContext&, Stream&)> run) : run_(std::move(run)) {
    grpc::ServerBuilder builder;
    builder.AddChannelArgument(GRPC_ARG_HTTP2_MAX_PING_STRIKES, 0);  // As the services do: clients ping several times a second.
    builder.AddListeningPort("127.0.0.1:0", grpc::InsecureServerCredentials(), &port_);
    builder.RegisterService(this);
    server_ = builder.BuildAndStart();
  }
  ~StubDecode() override { server_->Shutdown(std::chrono::system_clock::now()); }

  std::string address() const { return absl::StrCat("127.0.0.1:", port_); }

  grpc::Status Run(grpc::ServerContext* context, Stream* stream) override {
    v1::DecodeCommand start;
    if (stream->Read(&start)) run_(*context, *stream);
    return grpc::Status::OK;
  }

 private:
  const std::function<void(grpc::ServerContext&, Stream&)> run_;
  int port_ = 0;
  std::unique_ptr<grpc::Server> server_;
};

TEST(DecodeStreamTest, AStreamThatIsPausedWhenItsSequenceFinishesEnds) {
  std::promise<void> paused;
  StubDecode worker([&](grpc::ServerContext&, StubDecode::Stream& stream) {
    paused.get_future().wait();
    v1::DecodeEvent finish;
    finish.mutable_finish()->set_reason(v1::FINISH_REASON_STOP);
    stream.Write(finish);
  });
  const auto done = std::make_shared<std::promise<absl::Status>>();
  const std::unique_ptr<DecodeDialer> dialer = MakeGrpcDecodeDialer(grpc::InsecureChannelCredentials());
  DecodeCallbacks callbacks;
  callbacks.on_event = [](const v1::DecodeEvent&) {};
  callbacks.on_done = [done](absl::Status status) { done->set_value(std::move(status)); };
  const auto stream = dialer->Open(worker.address(), v1::StartSequence(), std::move(callbacks));
  stream->Pause(true);
  paused.set_value();
  std::future<absl::Status> status = done->get_future();
  ASSERT_EQ(status.wait_for(kPatience), std::future_status::ready);
  EXPECT_TRUE(status.get().ok());
}

TEST(DecodeStreamTest, ADialerThatIsShutDownEndsItsStreamsAndOpensNone) {
  StubDecode worker([&](grpc::ServerContext& context, StubDecode::Stream&) {
    while (!context.IsCancelled()) Clock::Real()->Sleep(absl::Milliseconds(1));
  });
  const std::unique_ptr<DecodeDialer> dialer = MakeGrpcDecodeDialer(grpc::InsecureChannelCredentials());
  std::atomic<int> done = 0;
  const auto open = [&] {
    DecodeCallbacks callbacks;
    callbacks.on_event = [](const v1::DecodeEvent&) {};
    callbacks.on_done = [&done](const absl::Status& status) {
      EXPECT_EQ(status.code(), absl::StatusCode::kCancelled);
      ++done;
    };
    return dialer->Open(worker.address(), v1::StartSequence(), std::move(callbacks));
  };
  const auto stream = open();
  dialer->Shutdown();
  EXPECT_EQ(done, 1);
  open()->Cancel();
  EXPECT_EQ(done, 2);
}

TEST_F(GenerationTest, AClientThatNeverReadsEndsAtItsDeadline) {
  StubDecode worker([](grpc::ServerContext& context, StubDecode::Stream& stream) {
    v1::DecodeEvent event;
    event.mutable_accepted();
    uint32_t index = 0;
    while (!context.IsCancelled() && stream.Write(event)) {
      event.mutable_token()->set_index(index++);
      event.mutable_token()->set_token(7);
    }
  });
  auto map = std::make_shared<v1::ClusterMap>(*MapOf({"decode-a"}));
  map->mutable_workers(0)->mutable_info()->set_address(worker.address());
  picker_.UpdateMap(std::move(map));
  const std::unique_ptr<DecodeDialer> dialer = MakeGrpcDecodeDialer(grpc::InsecureChannelCredentials());
  Collector collector;
  Admission admission(AdmissionLimits(), Clock::Real(), nullptr);
  GenerationContext context = Context(*dialer);
  context.admission = &admission;
  GenerationInput input = Input();
  input.spec.max_tokens = 1 << 20;
  input.deadline = Clock::Real()->Now() + absl::Milliseconds(200);
  const auto generation = StartGeneration(context, std::move(input), collector.Sink());
  generation->Pause(true);
  EXPECT_EQ(admission.running().sequences, 1);
  ASSERT_TRUE(collector.Wait());
  EXPECT_EQ(collector.last.status.code(), absl::StatusCode::kDeadlineExceeded);
  EXPECT_EQ(admission.running().sequences, 0);
}

}  // namespace
}  // namespace baleen
