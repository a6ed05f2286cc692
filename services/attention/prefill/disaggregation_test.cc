// Prefill and decode workers in one process: fills over real gRPC, pages over the in-process transport, a fake network.
#include <grpcpp/grpcpp.h>
#include <prometheus/registry.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <condition_variable>
#include <mutex>
#include <optional>
#include <set>
#include <thread>

#include "absl/strings/str_cat.h"
#include "absl/synchronization/notification.h"
#include "gtest/gtest.h"
#include "proto/baleen/v1/placement.pb.h"
#include "services/attention/prefill/prefill_coordinator.h"
#include "services/attention/prefill/prefill_service.h"
#include "services/attention/probe.h"
#include "services/attention/worker/fake_step_runner.h"
#include "services/attention/worker/step_loop.h"
#include "services/kv/transfer/crc32c.h"
#include "services/kv/transfer/kv_receiver.h"
#include "services/kv/transfer/kv_sender.h"
#include "transport/inproc/inproc_network.h"

namespace baleen {
namespace {

constexpr char kKvAddress[] = "decode-kv";
const int64_t kPoolBytes = 64 * FakeStepRunner::kShape.BlockBytes();

StepLoopOptions LoopOptions() {
  StepLoopOptions options;
  options.limits = {.max_batch_tokens = 64, .prefill_chunk = 16, .max_running = 32};
  options.tokenizer_size = FakeStepRunner::kVocab;
  options.retry_backoff = absl::Milliseconds(1);
  return options;
}

class Collector final : public SequenceObserver {
 public:
  void OnToken(int64_t index, const SampledToken& token) override { tokens.push_back(token.token); }
  void OnFinished(const absl::Status& status, StopReason reason) override {
    const std::lock_guard lock(mu_);
    status_ = status;
    cv_.notify_all();
  }
  absl::Status Wait() {
    std::unique_lock lock(mu_);
    cv_.wait(lock, [this] { return status_.has_value(); });
    return *status_;
  }
  std::vector<int32_t> tokens;  // Read after Wait.

 private:
  std::mutex mu_;
  std::condition_variable cv_;
  std::optional<absl::Status> status_;
};

struct PrefillNode {
  explicit PrefillNode(InprocNetwork* network)
      : pool(FakeStepRunner::kShape, kPoolBytes),
        probe(registry),
        loop(LoopOptions(), &runner, &pool, nullptr, &probe, Clock::Real()),
        sender({.window_bytes = 1000}, network, &pool),
        service({.limits = {.tokenizer_size = FakeStepRunner::kVocab, .max_positions = 4096, .eos_ids = {}, .numerics_id = "n"},
                 .loop = &loop,
                 .sender = &sender,
                 .probe = &probe,
                 .row_bytes = FakeStepRunner::kShape.RowBytes(),
                 .clock = Clock::Real()}) {
    grpc::ServerBuilder builder;
    builder.AddChannelArgument(GRPC_ARG_HTTP2_MAX_PING_STRIKES, 0);  // As the services do: clients ping several times a second.
    int port = 0;
    builder.AddListeningPort("127.0.0.1:0", grpc::InsecureServerCredentials(), &port);
    builder.RegisterService(&service);
    server = builder.BuildAndStart();
    address = absl::StrCat("127.0.0.1:", port);
  }
  ~PrefillNode() {
    loop.Stop();
    server->Shutdown(std::chrono::system_clock::now());
  }

  prometheus::Registry registry;
  BlockPool pool;
  AttentionProbe probe;
  FakeStepRunner runner;
  StepLoop loop;
  KvSender sender;
  PrefillService service;
  std::unique_ptr<grpc::Server> server;
  std::string address;
};

// Stands still but for Advance.
class SteppedClock final : public Clock {
 public:
  absl::Time Now() override { return start_ + absl::Milliseconds(passed_ms_.load()); }
  void Sleep(absl::Duration duration) override { Advance(duration); }
  void Advance(absl::Duration duration) { passed_ms_ += absl::ToInt64Milliseconds(duration); }

 private:
  const absl::Time start_ = Clock::Real()->Now();
  std::atomic<int64_t> passed_ms_{0};
};

// Bytes of KV pages that were taken.
class Received {
 public:
  void Add(size_t bytes) {
    const std::lock_guard lock(mu_);
    bytes_ += static_cast<int64_t>(bytes);
    cv_.notify_all();
  }
  bool WaitFor(int64_t bytes) {
    std::unique_lock lock(mu_);
    return cv_.wait_for(lock, std::chrono::seconds(5), [&] { return bytes_ >= bytes; });
  }

 private:
  std::mutex mu_;
  std::condition_variable cv_;
  int64_t bytes_ = 0;
};

struct DecodeNode {
  explicit DecodeNode(InprocNetwork* network, FillClient* other_client = nullptr, absl::Duration stall_timeout = absl::Seconds(60),
                      Clock* clock = Clock::Real())
      : pool(FakeStepRunner::kShape, kPoolBytes),
        probe(registry),
        reservations(&pool),
        picker("self", "m", "n", Clock::Real()),
        coordinator({.local_prefill_tokens = 32,
                     .kv_address = [] { return std::string(kKvAddress); },
                     .numerics_id = "n",
                     .stall_timeout = stall_timeout},
                    &picker, other_client != nullptr ? other_client : &client, &reservations, &probe, clock) {
    const AcceptFunction accept = AcceptKvPushes(&reservations, [this](size_t bytes) { received.Add(bytes); });
    EXPECT_TRUE(network->Listen(kKvAddress, kKvPushMethod, accept).ok());
    StartLoop(true);
  }

  void StartLoop(bool prefix_cache) {
    StepLoopOptions options = LoopOptions();
    options.limits.prefix_cache = prefix_cache;
    loop = std::make_unique<StepLoop>(options, &runner, &pool, &coordinator, &probe, Clock::Real());
  }

  void Know(const std::vector<std::string>& addresses) {
    v1::ClusterMap map;
    for (const std::string& address : addresses) {
      v1::Worker* worker = map.add_workers();
      worker->set_ready(true);
      worker->mutable_info()->set_worker_id(address);
      worker->mutable_info()->set_address(address);
      worker->mutable_info()->set_role(v1::ROLE_PREFILL);
      worker->mutable_info()->set_model_id("m");
      worker->mutable_info()->set_numerics_id("n");
    }
    picker.Update(map);
  }

  std::shared_ptr<Collector> Submit(const std::vector<int32_t>& prompt, SequenceId* id = nullptr, int32_t priority = 0) {
    SequenceRequest request;
    request.request_id = std::string(15, 'r') + static_cast<char>('a' + ++requests);
    request.key = request.request_id;
    request.tokens = prompt;
    request.prompt_tokens = static_cast<int64_t>(prompt.size());
    request.stop.max_tokens = 10;
    request.stop.max_positions = 4096;
    request.priority = priority;
    request.deadline = Clock::Real()->Now() + absl::Minutes(1);
    auto collector = std::make_shared<Collector>();
    request.observer = collector;
    const SequenceId submitted = loop->Submit(std::move(request)).value();
    if (id != nullptr) *id = submitted;
    return collector;
  }

  prometheus::Registry registry;
  BlockPool pool;
  AttentionProbe probe;
  FakeStepRunner runner;
  Received received;
  ReservationTable reservations;
  PrefillPicker picker;
  GrpcFillClient client{grpc::InsecureChannelCredentials()};
  PrefillCoordinator coordinator;
  std::unique_ptr<StepLoop> loop;
  int requests = 0;
};

std::vector<int32_t> Prompt(int32_t seed) {
  std::vector<int32_t> prompt;
  for (int32_t i = 0; i < 150; ++i) prompt.push_back((seed * 37 + i * 11) % 251);
  return prompt;
}

void ExpectRightTokens(Collector& collector, int32_t seed) {
  ASSERT_TRUE(collector.Wait().ok());
  EXPECT_EQ(collector.tokens, FakeStepRunner::Continue(Prompt(seed), 10));
}

void ExpectClean(DecodeNode& decode) {
  EXPECT_EQ(decode.reservations.open(), 0);
  EXPECT_EQ(decode.pool.free_blocks(), decode.pool.total_blocks());
}

class DisaggregationTest : public testing::Test {
 protected:
  ~DisaggregationTest() override { network_.Kill(kKvAddress); }

  InprocNetwork network_;
};

TEST_F(DisaggregationTest, DecodeComputesNothingButTheLastPromptPosition) {
  PrefillNode prefill(&network_);
  DecodeNode decode(&network_);
  decode.Know({prefill.address});
  std::vector<std::shared_ptr<Collector>> collectors;
  for (int32_t i = 0; i < 4; ++i) collectors.push_back(decode.Submit(Prompt(i)));
  for (int32_t i = 0; i < 4; ++i) ExpectRightTokens(*collectors[static_cast<size_t>(i)], i);
  EXPECT_EQ(prefill.runner.rows(), 4 * 149);
  EXPECT_EQ(decode.runner.rows(), 4 * 10);
  ExpectClean(decode);
}

TEST_F(DisaggregationTest, WhatDecodeHasCachedIsNeitherComputedNorSentAgain) {
  PrefillNode prefill(&network_);
  DecodeNode decode(&network_);
  decode.Know({prefill.address});
  ExpectRightTokens(*decode.Submit(Prompt(1)), 1);
  ExpectRightTokens(*decode.Submit(Prompt(1)), 1);
  EXPECT_EQ(prefill.runner.rows(), 149);
  EXPECT_EQ(decode.runner.rows(), 10 + 22 + 9);
  ExpectClean(decode);
}

TEST_F(DisaggregationTest, WhatPrefillHasCachedIsSentWithoutBeingComputedAgain) {
  PrefillNode prefill(&network_);
  DecodeNode decode(&network_);
  decode.StartLoop(false);
  decode.Know({prefill.address});
  ExpectRightTokens(*decode.Submit(Prompt(1)), 1);
  ExpectRightTokens(*decode.Submit(Prompt(1)), 1);
  EXPECT_EQ(prefill.runner.rows(), 149 + 21);
  EXPECT_EQ(decode.runner.rows(), 2 * 10);
  ExpectClean(decode);
}

TEST_F(DisaggregationTest, ARefillOfWhichHalfIsHereIsNobodyElses) {
  PrefillNode prefill(&network_);
  DecodeNode decode(&network_);
  decode.Know({prefill.address});
  Sequence sequence;
  sequence.request.tokens.assign(200, 7);
  for (const auto& [prompt, computed, wanted] : {std::tuple{200, 128, true}, std::tuple{150, 128, false}, std::tuple{150, 100, false},
                                                 std::tuple{150, 64, true}, std::tuple{150, 0, true}}) {
    sequence.request.prompt_tokens = prompt;
    sequence.computed = computed;
    EXPECT_EQ(decode.coordinator.Wants(sequence), wanted) << prompt << " " << computed;
  }
}

TEST_F(DisaggregationTest, DeadWorkerIsPassedOverForALivingOne) {
  PrefillNode living(&network_);
  std::string dead_address;
  {
    PrefillNode dead(&network_);
    dead_address = dead.address;
  }
  DecodeNode decode(&network_);
  decode.Know({dead_address, living.address});
  ExpectRightTokens(*decode.Submit(Prompt(1)), 1);
  ExpectRightTokens(*decode.Submit(Prompt(2)), 2);
  ExpectClean(decode);
}

TEST_F(DisaggregationTest, WorkerThatFailsHalfwayChangesNoToken) {
  PrefillNode prefill(&network_);
  int steps = 0;
  prefill.runner.before_step = [&](absl::Span<const SequenceStep>) {
    return ++steps < 4 ? absl::OkStatus() : absl::InternalError("died in the middle of a prompt");
  };
  DecodeNode decode(&network_);
  decode.Know({prefill.address});
  ExpectRightTokens(*decode.Submit(Prompt(1)), 1);
  EXPECT_GE(decode.runner.rows(), 150);
  ExpectClean(decode);
  EXPECT_TRUE(prefill.loop.WaitIdle(absl::Seconds(5)));
  EXPECT_EQ(prefill.pool.free_blocks(), prefill.pool.total_blocks());
}

// Takes calls and never answers until it is cancelled.
class SilentClient final : public FillClient {
 public:
  std::function<void()> Fill(const std::string& address, const v1::FillRequest& request, absl::Time deadline,
                             std::function<void(absl::Status)> done) override {
    const std::lock_guard lock(mu_);
    const size_t call = calls_.size();
    calls_.push_back(request.reservation());
    cv_.notify_all();
    return [this, call, done = std::move(done)] {
      {
        const std::lock_guard lock(mu_);
        cancelled_.insert(call);
        cv_.notify_all();
      }
      done(absl::CancelledError("cancelled"));
    };
  }
  // The reservation of that call.
  uint64_t WaitForCall(size_t call = 0) {
    std::unique_lock lock(mu_);
    cv_.wait(lock, [&] { return calls_.size() > call; });
    return calls_[call];
  }
  bool Cancelled(size_t call, absl::Duration patience = absl::ZeroDuration()) {
    std::unique_lock lock(mu_);
    return cv_.wait_for(lock, absl::ToChronoMilliseconds(patience), [&] { return cancelled_.contains(call); });
  }

 private:
  std::mutex mu_;
  std::condition_variable cv_;
  std::vector<uint64_t> calls_;
  std::set<size_t> cancelled_;
};

TEST_F(DisaggregationTest, SilentWorkersAreGivenUpAndTheirLatePagesRefused) {
  SilentClient client;
  DecodeNode decode(&network_, &client, absl::Milliseconds(20));
  decode.Know({"a", "b"});
  ExpectRightTokens(*decode.Submit(Prompt(1)), 1);
  IncomingRows late;
  late.reservation = client.WaitForCall();
  late.attempt = 1;
  late.token_count = 1;
  EXPECT_EQ(decode.reservations.Write(late).code(), absl::StatusCode::kNotFound);
  ExpectClean(decode);
}

// The worker fills four prompts at a time, and the last two get their first rows when it has worked for five times the stall timeout.
TEST_F(DisaggregationTest, WaitingForOthersFillsIsNoStall) {
  SteppedClock clock;
  DecodeNode decode(&network_, nullptr, absl::Milliseconds(200), &clock);
  PrefillNode prefill(&network_);
  absl::Notification all_there;
  prefill.runner.before_step = [&](absl::Span<const SequenceStep>) {
    all_there.WaitForNotification();
    EXPECT_TRUE(decode.received.WaitFor(prefill.runner.rows() * FakeStepRunner::kShape.BytesPerToken()));
    clock.Advance(absl::Milliseconds(100));
    decode.loop->Wake();
    return absl::OkStatus();
  };
  decode.Know({prefill.address});
  std::vector<std::shared_ptr<Collector>> collectors;
  for (int32_t i = 0; i < 6; ++i) collectors.push_back(decode.Submit(Prompt(i)));
  while (prefill.loop.load().running + prefill.loop.load().waiting < 6) std::this_thread::yield();
  all_there.Notify();
  for (int32_t i = 0; i < 6; ++i) ExpectRightTokens(*collectors[static_cast<size_t>(i)], i);
  EXPECT_EQ(decode.runner.rows(), 6 * 10);
  ExpectClean(decode);
}

TEST_F(DisaggregationTest, TheUrgentIsFilledFirst) {
  constexpr int32_t kPrompts = 6;
  DecodeNode decode(&network_);
  PrefillNode prefill(&network_);
  absl::Notification begun;
  absl::Notification all_there;
  std::vector<std::vector<int32_t>> first;  // Of each step, what it begins with.
  prefill.runner.before_step = [&](absl::Span<const SequenceStep> sequences) {
    if (!begun.HasBeenNotified()) begun.Notify();
    all_there.WaitForNotification();
    first.emplace_back(sequences.front().tokens.begin(), sequences.front().tokens.end());
    return absl::OkStatus();
  };
  decode.Know({prefill.address});
  std::vector<std::shared_ptr<Collector>> collectors;
  for (int32_t i = 0; i < kPrompts - 1; ++i) collectors.push_back(decode.Submit(Prompt(i)));
  begun.WaitForNotification();
  collectors.push_back(decode.Submit(Prompt(kPrompts - 1), nullptr, 10));
  while (prefill.loop.load().running + prefill.loop.load().waiting < kPrompts) std::this_thread::yield();
  all_there.Notify();
  for (int32_t i = 0; i < kPrompts; ++i) ExpectRightTokens(*collectors[static_cast<size_t>(i)], i);
  const std::vector<int32_t> urgent = Prompt(kPrompts - 1);
  ASSERT_GE(first.size(), 11u);  // The first step was planned before the urgent one came.
  for (size_t step = 1; step <= 10; ++step) {
    const auto at = urgent.begin() + static_cast<std::ptrdiff_t>(16 * (step - 1));
    EXPECT_EQ(first[step], std::vector<int32_t>(at, std::min(at + 16, urgent.end() - 1))) << step;
  }
}

// Two fills that were asked for one after the other, of which the later one alone gets rows.
class OvertakenFill {
 public:
  OvertakenFill(InprocNetwork* network, absl::Duration apart) : decode_(network, &client_, absl::Seconds(5), &clock_) {
    decode_.Know({"a"});
    first_ = decode_.Submit(Prompt(1));
    client_.WaitForCall();
    clock_.Advance(apart);
    later_ = decode_.Submit(Prompt(2));
    rows_ = {.reservation = client_.WaitForCall(1), .attempt = 1, .token_count = 1, .dtype = DType::kF32, .rows = row_};
    rows_.checksum = Crc32c(row_.data(), row_.size());
  }

  // A row of the later fill comes, and 100 ms pass. Whether the first one was given up within `patience` of real time.
  bool GivenUp(absl::Duration patience) {
    EXPECT_TRUE(decode_.reservations.Write(rows_).ok());
    ++rows_.first_token;
    clock_.Advance(absl::Milliseconds(100));
    decode_.loop->Wake();
    return client_.Cancelled(0, patience);
  }
  bool LaterGivenUp() { return client_.Cancelled(1); }

  // Both end with their tokens, by the decode worker itself.
  void End() {
    decode_.Know({});
    ExpectRightTokens(*first_, 1);
    ExpectRightTokens(*later_, 2);
    ExpectClean(decode_);
  }

 private:
  SteppedClock clock_;
  SilentClient client_;
  DecodeNode decode_;
  std::shared_ptr<Collector> first_;
  std::shared_ptr<Collector> later_;
  std::vector<std::byte> row_ = std::vector<std::byte>(static_cast<size_t>(FakeStepRunner::kShape.RowBytes()));
  IncomingRows rows_;
};

TEST_F(DisaggregationTest, AFillThatLaterOnesOvertakeIsStalled) {
  OvertakenFill fills(&network_, absl::Seconds(2));
  bool given_up = false;
  for (int row = 0; row < 149 && !given_up; ++row) given_up = fills.GivenUp(absl::Milliseconds(20));
  EXPECT_TRUE(given_up);
  EXPECT_FALSE(fills.LaterGivenUp());
  fills.End();
}

TEST_F(DisaggregationTest, AFillThatArrivedBehindALaterOneIsNotStalled) {
  OvertakenFill fills(&network_, absl::Milliseconds(500));
  for (int row = 0; row < 100; ++row) ASSERT_FALSE(fills.GivenUp(absl::Milliseconds(1))) << row;
  fills.End();
}

// Ends each call as gRPC does at the request's deadline.
class LateClient final : public FillClient {
 public:
  std::function<void()> Fill(const std::string& address, const v1::FillRequest& request, absl::Time deadline,
                             std::function<void(absl::Status)> done) override {
    ++calls;
    done(absl::DeadlineExceededError("Deadline Exceeded"));
    return [] {};
  }
  std::atomic<int> calls{0};
};

TEST_F(DisaggregationTest, ARequestsOwnDeadlineSaysNothingOfTheWorker) {
  LateClient client;
  DecodeNode decode(&network_, &client);
  decode.Know({"a"});
  ExpectRightTokens(*decode.Submit(Prompt(1)), 1);
  ExpectRightTokens(*decode.Submit(Prompt(2)), 2);
  EXPECT_EQ(client.calls, 2);
  ExpectClean(decode);
}

TEST_F(DisaggregationTest, FrozenWorkerThatLeavesTheMapIsGivenUpAtOnce) {
  SilentClient client;
  DecodeNode decode(&network_, &client);
  decode.Know({"a"});
  auto collector = decode.Submit(Prompt(1));
  client.WaitForCall();
  decode.Know({});
  ExpectRightTokens(*collector, 1);
  ExpectClean(decode);
}

TEST_F(DisaggregationTest, CancelDuringAFillFreesEverything) {
  SilentClient client;
  DecodeNode decode(&network_, &client);
  decode.Know({"a"});
  SequenceId id = 0;
  auto collector = decode.Submit(Prompt(1), &id);
  client.WaitForCall();
  decode.loop->Cancel(id, absl::CancelledError("gone"));
  EXPECT_EQ(collector->Wait().code(), absl::StatusCode::kCancelled);
  ExpectClean(decode);
}

TEST_F(DisaggregationTest, ShortPromptsStayLocal) {
  SilentClient client;
  DecodeNode decode(&network_, &client);
  decode.Know({"a"});
  const std::vector<int32_t> prompt(32, 5);
  auto collector = decode.Submit(prompt);
  ASSERT_TRUE(collector->Wait().ok());
  EXPECT_EQ(collector->tokens, FakeStepRunner::Continue(prompt, 10));
}

TEST_F(DisaggregationTest, PrefillRefusesWhatDoesNotFit) {
  PrefillNode prefill(&network_);
  auto stub = v1::Prefill::NewStub(grpc::CreateChannel(prefill.address, grpc::InsecureChannelCredentials()));
  const auto fill = [&](const v1::FillRequest& request) {
    grpc::ClientContext context;
    v1::FillReply reply;
    return stub->Fill(&context, request, &reply).error_code();
  };
  v1::FillRequest request;
  request.mutable_context()->set_request_id(std::string(16, 'r'));
  request.mutable_context()->set_numerics_id("other");
  request.set_kv_address(kKvAddress);
  request.add_tokens(5);
  EXPECT_EQ(fill(request), grpc::StatusCode::FAILED_PRECONDITION);
  request.mutable_context()->set_numerics_id("n");
  request.add_tokens(FakeStepRunner::kVocab);
  EXPECT_EQ(fill(request), grpc::StatusCode::INVALID_ARGUMENT);
  request.mutable_tokens()->Truncate(1);
  request.set_priority(101);
  EXPECT_EQ(fill(request), grpc::StatusCode::INVALID_ARGUMENT);
  request.set_priority(-100);
  EXPECT_EQ(fill(request), grpc::StatusCode::UNAVAILABLE);  // Nobody listens at the KV address.
  EXPECT_TRUE(prefill.loop.WaitIdle(absl::Seconds(5)));
  EXPECT_EQ(prefill.pool.free_blocks(), prefill.pool.total_blocks());
}

}  // namespace
}  // namespace baleen
