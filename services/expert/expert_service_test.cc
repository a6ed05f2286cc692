// The service behind an in-process stream, and the router in front of it.
#include "services/expert/expert_service.h"

#include <gtest/gtest.h>

#include <atomic>
#include <condition_variable>
#include <map>
#include <thread>

#include "absl/synchronization/notification.h"
#include "base/values.h"
#include "proto/baleen/v1/expert.pb.h"
#include "services/router/router.h"
#include "transport/inproc/inproc_network.h"

namespace baleen {
namespace {

constexpr char kMethod[] = "/baleen.v1.Expert/Exchange";
constexpr int64_t kHidden = 4;
constexpr absl::Duration kPatience = absl::Seconds(8);

class FakeExperts final : public HeldExperts {
 public:
  explicit FakeExperts(uint32_t held, absl::Notification* gate = nullptr) : held_(held), gate_(gate) {}
  bool Has(int layer, uint32_t expert) const override { return layer == 1 && expert < held_; }
  size_t size() const override { return held_; }
  absl::Status Compute(int layer, absl::Span<const ExpertSlot> slots) const override {
    entered.Notify();
    if (gate_ != nullptr) gate_->WaitForNotification();
    computed_slots = static_cast<int64_t>(slots.size());
    thread = std::this_thread::get_id();
    if (clock != nullptr) clock->Sleep(takes);
    for (const ExpertSlot& slot : slots) {
      float row[kHidden];
      ValuesFromWire(slot.input, kHidden, DType::kF32, row);
      for (float& x : row) x += static_cast<float>(slot.expert);
      ValuesToWire(row, kHidden, DType::kF32, slot.output);
    }
    return result;
  }
  struct Once {
    void Notify() {
      if (!flag.exchange(true)) notification.Notify();
    }
    std::atomic<bool> flag{false};
    absl::Notification notification;
  };
  mutable Once entered;
  absl::Status result;
  Clock* clock = nullptr;  // Moved on by what a computation takes.
  absl::Duration takes;
  mutable std::atomic<int64_t> computed_slots{0};
  mutable std::atomic<std::thread::id> thread;

 private:
  const uint32_t held_;
  absl::Notification* const gate_;
};

class FixedClock final : public Clock {
 public:
  absl::Time Now() override { return absl::FromUnixMillis(now_ms); }
  void Sleep(absl::Duration duration) override { now_ms += absl::ToInt64Milliseconds(duration); }
  std::atomic<int64_t> now_ms{1000};
};

class ExpertServiceTest : public ::testing::Test {
 protected:
  void Start(WorkQueueBounds bounds = {}, int computations = 1) {
    ExpertServiceOptions options;
    options.shape = {.hidden = kHidden, .experts = 8, .dtype = DType::kF32, .numerics_id = "n"};
    options.queue = bounds;
    options.computations = computations;
    options.on_failure = [this](const absl::Status&) { ++failures_; };
    service_ = std::make_unique<ExpertService>(options, &clock_, nullptr);
    ASSERT_TRUE(network_->Listen("shard", kMethod, [this](std::shared_ptr<Connection> c) { return service_->Accept(std::move(c)); }).ok());
    connection_ = network_->Connect("shard", kMethod,
                                    {[this](Message message) {
                                       v1::ExpertReplyHeader header;
                                       ASSERT_TRUE(header.ParseFromString(message.header));
                                       std::lock_guard lock(mu_);
                                       replies_[header.call_id()] = {header, message.payload};
                                       changed_.notify_all();
                                     },
                                     nullptr});
  }
  void TearDown() override {
    network_.reset();
    service_.reset();
  }

  void Call(uint64_t id, uint32_t layer, uint32_t expert, int64_t timeout_ms = 0) {
    ASSERT_TRUE(connection_->Send(MakeCall(id, layer, expert, timeout_ms)).ok());
  }

  static Message MakeCall(uint64_t id, uint32_t layer, uint32_t expert, int64_t timeout_ms) {
    v1::ExpertCallHeader header;
    header.set_call_id(id);
    header.set_epoch(9);
    header.set_numerics_id("n");
    header.set_layer(layer);
    header.set_dtype(v1::DTYPE_F32);
    header.set_rows(1);
    header.add_experts_per_row(1);
    header.add_expert_ids(expert);
    header.set_timeout_ms(timeout_ms);
    return {header.SerializeAsString(), Payload::Own(std::vector<float>(kHidden, static_cast<float>(id)))};
  }

  // The reply's code; -1 if none came.
  int CodeOf(uint64_t id) {
    std::unique_lock lock(mu_);
    const bool there = changed_.wait_for(lock, absl::ToChronoSeconds(kPatience), [&] { return replies_.count(id) > 0; });
    if (!there) return -1;
    EXPECT_EQ(replies_[id].first.epoch(), 9u);
    return replies_[id].first.code();
  }
  float FirstValue(uint64_t id) {
    std::lock_guard lock(mu_);
    float value = 0;
    EXPECT_EQ(replies_[id].second.size, kHidden * sizeof(float));
    ValuesFromWire(replies_[id].second.data, 1, DType::kF32, &value);
    return value;
  }

  FixedClock clock_;
  std::atomic<int> failures_{0};
  std::unique_ptr<InprocNetwork> network_ = std::make_unique<InprocNetwork>();
  std::unique_ptr<ExpertService> service_;
  std::shared_ptr<Connection> connection_;
  std::mutex mu_;
  std::condition_variable changed_;
  std::map<uint64_t, std::pair<v1::ExpertReplyHeader, Payload>> replies_;
};

constexpr int Code(absl::StatusCode code) { return static_cast<int>(code); }

TEST_F(ExpertServiceTest, CallsAreAnsweredWhileWhatWasHeldIsFreed) {
  Start();
  absl::Notification begun, gate;
  service_->SetExperts(std::shared_ptr<const FakeExperts>(new FakeExperts(1), [&](const FakeExperts* held) {
    begun.Notify();
    gate.WaitForNotification();
    delete held;
  }));
  std::thread loading([&] { service_->SetExperts(std::make_shared<FakeExperts>(2)); });
  begun.WaitForNotification();
  Call(1, 1, 1);
  EXPECT_EQ(CodeOf(1), 0);
  gate.Notify();
  loading.join();
}

TEST_F(ExpertServiceTest, Answers) {
  Start();
  service_->SetExperts(std::make_shared<FakeExperts>(4));
  Call(5, 1, 3);
  EXPECT_EQ(CodeOf(5), 0);
  EXPECT_EQ(FirstValue(5), 8.0f);
}

TEST_F(ExpertServiceTest, RefusesWhatItDoesNotHold) {
  Start();
  Call(1, 1, 0);
  EXPECT_EQ(CodeOf(1), Code(absl::StatusCode::kFailedPrecondition));
  service_->SetExperts(std::make_shared<FakeExperts>(4));
  Call(2, 1, 4);
  EXPECT_EQ(CodeOf(2), Code(absl::StatusCode::kFailedPrecondition));
  Call(3, 2, 0);
  EXPECT_EQ(CodeOf(3), Code(absl::StatusCode::kFailedPrecondition));
  Call(4, 1, 8);
  EXPECT_EQ(CodeOf(4), Code(absl::StatusCode::kInvalidArgument));
}

TEST_F(ExpertServiceTest, DropsWhatIsPastItsDeadline) {
  Start();
  const auto experts = std::make_shared<FakeExperts>(4);
  service_->SetExperts(experts);
  Call(1, 1, 0, -1);
  EXPECT_EQ(CodeOf(1), Code(absl::StatusCode::kDeadlineExceeded));
  EXPECT_EQ(experts->computed_slots, 0);
  Call(2, 1, 0, 1);
  EXPECT_EQ(CodeOf(2), 0);
}

TEST_F(ExpertServiceTest, MergesWhatWaitsAndBoundsIt) {
  Start({.calls = 3, .bytes = 1 << 20});
  absl::Notification gate;
  const auto slow = std::make_shared<FakeExperts>(4, &gate);
  service_->SetExperts(slow);
  Call(1, 1, 0);
  ASSERT_TRUE(slow->entered.notification.WaitForNotificationWithTimeout(kPatience));
  // Calls 2 to 4 wait while 1 computes; the queue is full for 5.
  const auto next = std::make_shared<FakeExperts>(4);
  service_->SetExperts(next);
  for (const uint64_t id : {2, 3, 4, 5}) Call(id, 1, 1);
  EXPECT_EQ(CodeOf(5), Code(absl::StatusCode::kResourceExhausted));
  gate.Notify();
  for (const uint64_t id : {1, 2, 3, 4}) EXPECT_EQ(CodeOf(id), 0);
  EXPECT_EQ(slow->computed_slots, 1);
  EXPECT_EQ(next->computed_slots, 3);
  EXPECT_EQ(FirstValue(3), 4.0f);
}

TEST_F(ExpertServiceTest, ComputesBesideAComputationThatWaits) {
  Start({}, 2);
  absl::Notification gate;
  const auto slow = std::make_shared<FakeExperts>(4, &gate);
  service_->SetExperts(slow);
  Call(1, 1, 0);
  ASSERT_TRUE(slow->entered.notification.WaitForNotificationWithTimeout(kPatience));
  service_->SetExperts(std::make_shared<FakeExperts>(4));
  Call(2, 1, 1);
  EXPECT_EQ(CodeOf(2), 0);
  gate.Notify();
  EXPECT_EQ(CodeOf(1), 0);
}

TEST_F(ExpertServiceTest, RefusesWhatTheDeviceFailedAt) {
  Start();
  const auto broken = std::make_shared<FakeExperts>(4);
  broken->result = absl::InternalError("an illegal address");
  service_->SetExperts(broken);
  Call(1, 1, 0);
  EXPECT_EQ(CodeOf(1), Code(absl::StatusCode::kInternal));
  service_->Drain();
  EXPECT_EQ(failures_, 1);
}

TEST_F(ExpertServiceTest, DrainAnswersWhatIsQueued) {
  Start();
  absl::Notification gate;
  const auto slow = std::make_shared<FakeExperts>(4, &gate);
  service_->SetExperts(slow);
  Call(1, 1, 0);
  Call(2, 1, 0);
  ASSERT_TRUE(slow->entered.notification.WaitForNotificationWithTimeout(kPatience));
  std::thread drain([&] { service_->Drain(); });
  gate.Notify();
  drain.join();
  Call(3, 1, 0);
  EXPECT_EQ(CodeOf(1), 0);
  const int second = CodeOf(2);
  EXPECT_TRUE(second == 0 || second == Code(absl::StatusCode::kUnavailable)) << second;
  EXPECT_EQ(CodeOf(3), Code(absl::StatusCode::kUnavailable));
}

TEST_F(ExpertServiceTest, HellosAreRefusedOnceDrained) {
  Start();
  v1::ExpertCallHeader hello;
  hello.set_epoch(9);
  hello.set_numerics_id("n");
  hello.set_call_id(1);
  ASSERT_TRUE(connection_->Send({hello.SerializeAsString(), {}}).ok());
  EXPECT_EQ(CodeOf(1), 0);
  service_->Drain();
  hello.set_call_id(2);
  ASSERT_TRUE(connection_->Send({hello.SerializeAsString(), {}}).ok());
  EXPECT_EQ(CodeOf(2), Code(absl::StatusCode::kUnavailable));
}

// A stream whose messages come on the thread of the test.
class DirectStream {
 public:
  explicit DirectStream(ExpertService& service) : handlers_(service.Accept(connection_)) {}

  void Call(const Message& call) { handlers_.on_message(call); }
  int replies() const { return connection_->replies; }
  // Whether this thread computed the call; returns once it is answered.
  bool ComputedHere(const Message& call, const FakeExperts& experts) {
    const int before = replies();
    Call(call);
    while (replies() == before) std::this_thread::yield();
    return experts.thread == std::this_thread::get_id();
  }

 private:
  struct CountingConnection final : Connection {
    absl::Status Send(Message) override {
      ++replies;
      return absl::OkStatus();
    }
    void Close() override {}
    std::atomic<int> replies{0};
  };

  const std::shared_ptr<CountingConnection> connection_ = std::make_shared<CountingConnection>();
  const StreamHandlers handlers_;
};

TEST_F(ExpertServiceTest, ComputesASmallCallWhereItCame) {
  Start();
  const auto experts = std::make_shared<FakeExperts>(4);
  service_->SetExperts(experts);
  const Message call = MakeCall(1, 1, 0, 0);
  DirectStream one(*service_);
  DirectStream other(*service_);
  EXPECT_FALSE(one.ComputedHere(call, *experts)) << "how long it takes was unknown";
  // The service's thread may not be through with the one before.
  while (!one.ComputedHere(call, *experts)) continue;
  EXPECT_FALSE(other.ComputedHere(call, *experts)) << "several streams call";
}

TEST_F(ExpertServiceTest, LeavesLongComputationsToItsOwnThread) {
  Start();
  const auto experts = std::make_shared<FakeExperts>(4);
  experts->clock = &clock_;
  experts->takes = absl::Milliseconds(5);
  service_->SetExperts(experts);
  DirectStream stream(*service_);
  for (int i = 0; i < 20; ++i) EXPECT_FALSE(stream.ComputedHere(MakeCall(1, 1, 0, 0), *experts));
}

TEST_F(ExpertServiceTest, DrainAwaitsWhatIsComputedWhereItCame) {
  Start();
  const Message call = MakeCall(1, 1, 0, 0);
  const auto experts = std::make_shared<FakeExperts>(4);
  service_->SetExperts(experts);
  DirectStream stream(*service_);
  while (!stream.ComputedHere(call, *experts)) continue;
  absl::Notification gate;
  const auto slow = std::make_shared<FakeExperts>(4, &gate);
  service_->SetExperts(slow);
  const int before = stream.replies();
  std::thread caller([&] { stream.Call(call); });
  ASSERT_TRUE(slow->entered.notification.WaitForNotificationWithTimeout(kPatience));
  std::thread drain([&] {
    service_->Drain();
    EXPECT_EQ(stream.replies(), before + 1);
  });
  gate.Notify();
  drain.join();
  caller.join();
}

TEST_F(ExpertServiceTest, TheRouterSpeaksToIt) {
  Start();
  service_->SetExperts(std::make_shared<FakeExperts>(4));
  RouterOptions options;
  options.numerics_id = "n";
  Router router(options, network_.get(), nullptr);
  auto map = std::make_shared<v1::ClusterMap>();
  map->set_epoch(1);
  v1::Worker* worker = map->add_workers();
  worker->mutable_info()->set_worker_id("w");
  worker->mutable_info()->set_address("shard");
  worker->mutable_info()->set_role(v1::ROLE_EXPERT);
  worker->mutable_info()->set_numerics_id("n");
  v1::ExpertRange* range = worker->add_experts();
  range->set_layer(1);
  for (const uint32_t expert : {0, 1, 2, 3}) range->add_experts(expert);
  router.UpdateMap(map);
  clock_.now_ms = absl::ToUnixMillis(absl::Now());
  const std::vector<float> input = {1, 2, 3, 4, 5, 6, 7, 8};
  const std::vector<int32_t> ids = {0, 2, 1, 3};
  std::vector<const std::byte*> outputs(4);
  const ExpertBatch batch{.layer = 1,
                          .rows = 2,
                          .hidden = kHidden,
                          .top_k = 2,
                          .wire = DType::kF32,
                          .input = reinterpret_cast<const std::byte*>(input.data()),
                          .expert_ids = ids.data(),
                          .outputs = outputs.data()};
  const auto pending = router.Dispatch(batch);
  ASSERT_TRUE(pending->Wait().ok());
  std::vector<float> output(16);
  for (size_t slot = 0; slot < outputs.size(); ++slot) {
    ValuesFromWire(outputs[slot], kHidden, DType::kF32, &output[slot * kHidden]);
  }
  EXPECT_EQ(output, (std::vector<float>{1, 2, 3, 4, 3, 4, 5, 6, 6, 7, 8, 9, 8, 9, 10, 11}));
}

}  // namespace
}  // namespace baleen
