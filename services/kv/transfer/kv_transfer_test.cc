#include <condition_variable>
#include <cstring>
#include <memory>
#include <mutex>
#include <optional>
#include <vector>

#include "absl/synchronization/notification.h"
#include "gtest/gtest.h"
#include "services/kv/transfer/kv_receiver.h"
#include "services/kv/transfer/kv_sender.h"
#include "transport/inproc/inproc_network.h"
#include "transport/limits.h"

namespace baleen {
namespace {

constexpr KvShape kShape = {.layers = 3, .width = 4, .dtype = DType::kBf16};
constexpr char kAddress[] = "decode-0";

// Waits for the one call of a push's on_over.
class Over {
 public:
  std::function<void(absl::Status)> Callback() {
    return [this](absl::Status status) {
      const std::lock_guard lock(mu_);
      ++calls_;
      status_ = std::move(status);
      cv_.notify_all();
    };
  }
  absl::Status Wait() {
    std::unique_lock lock(mu_);
    cv_.wait(lock, [this] { return status_.has_value(); });
    EXPECT_EQ(calls_, 1);
    return *status_;
  }

 private:
  std::mutex mu_;
  std::condition_variable cv_;
  int calls_ = 0;
  std::optional<absl::Status> status_;
};

class KvTransferTest : public testing::Test {
 protected:
  static constexpr int64_t kTokens = 150;

  KvTransferTest() : source_(kShape, 8 * kShape.BlockBytes()), target_(kShape, 8 * kShape.BlockBytes()), table_(&target_) {
    EXPECT_TRUE(network_.Listen(kAddress, kKvPushMethod, AcceptKvPushes(&table_, [this](size_t bytes) { received_ += bytes; })).ok());
    source_blocks_ = source_.Allocate(3).value();
    target_blocks_ = target_.Allocate(3).value();
    uint8_t value = 1;
    for (const BlockId block : source_blocks_) {
      for (int layer = 0; layer < kShape.layers; ++layer) {
        std::memset(source_.Page(block, layer), value++, static_cast<size_t>(64 * kShape.RowBytes()));
      }
    }
    reservation_ = table_.Open(target_blocks_, 0, kTokens);
    EXPECT_TRUE(table_.BeginAttempt(reservation_, 1));
  }
  ~KvTransferTest() override { network_.Kill(kAddress); }

  static v1::RequestContext Attempt(uint32_t attempt) {
    v1::RequestContext context;
    context.set_attempt(attempt);
    return context;
  }

  // From here on the decode worker takes pages without ever answering.
  void Freeze() {
    network_.Kill(kAddress);
    auto silent = [](std::shared_ptr<Connection>) {
      return StreamHandlers{.on_message = [](Message) {}, .on_closed = [](absl::Status) {}};
    };
    ASSERT_TRUE(network_.Listen(kAddress, kKvPushMethod, silent).ok());
  }

  void EnqueueAll(KvTransferHandle& handle) {
    for (int64_t first = 0; first < kTokens; first += 50) {
      for (int layer = 0; layer < kShape.layers; ++layer) handle.Enqueue(source_blocks_, layer, first, 50);
    }
  }

  BlockPool source_;
  BlockPool target_;
  ReservationTable table_;
  size_t received_ = 0;
  std::vector<BlockId> source_blocks_;
  std::vector<BlockId> target_blocks_;
  uint64_t reservation_ = 0;
  InprocNetwork network_;
};

TEST_F(KvTransferTest, PagesArriveBitForBit) {
  // A window below one page still lets pages through, one at a time.
  KvSender sender({.window_bytes = 1}, &network_, &source_);
  Over over;
  auto handle = sender.Open(kAddress, Attempt(1), reservation_, over.Callback());
  EnqueueAll(*handle);
  handle->Enqueue(source_blocks_, 0, 0, 50);  // A repeated step's rows are not sent twice.
  handle->Finish();
  ASSERT_TRUE(over.Wait().ok());
  EXPECT_TRUE(table_.Complete(reservation_, 1));
  EXPECT_EQ(received_, static_cast<size_t>(kTokens * kShape.BytesPerToken()));
  for (int64_t token = 0; token < kTokens; ++token) {
    for (int layer = 0; layer < kShape.layers; ++layer) {
      const size_t block = static_cast<size_t>(token / 64);
      const int64_t offset = token % 64 * kShape.RowBytes();
      ASSERT_EQ(std::memcmp(source_.Page(source_blocks_[block], layer) + offset, target_.Page(target_blocks_[block], layer) + offset,
                            static_cast<size_t>(kShape.RowBytes())),
                0);
    }
  }
}

TEST_F(KvTransferTest, OfRowsThatComeAgainOnlyTheNewOnesAreSent) {
  KvSender sender({}, &network_, &source_);
  Over over;
  auto handle = sender.Open(kAddress, Attempt(1), reservation_, over.Callback());
  for (int layer = 0; layer < kShape.layers; ++layer) {
    for (const int64_t count : {int64_t{50}, int64_t{70}, kTokens}) handle->Enqueue(source_blocks_, layer, 0, count);
  }
  handle->Finish();
  ASSERT_TRUE(over.Wait().ok());
  EXPECT_TRUE(table_.Complete(reservation_, 1));
  EXPECT_EQ(received_, static_cast<size_t>(kTokens * kShape.BytesPerToken()));
}

TEST_F(KvTransferTest, OlderAttemptIsRefused) {
  ASSERT_TRUE(table_.BeginAttempt(reservation_, 2));
  KvSender sender({}, &network_, &source_);
  Over over;
  auto handle = sender.Open(kAddress, Attempt(1), reservation_, over.Callback());
  EnqueueAll(*handle);
  handle->Finish();
  EXPECT_EQ(over.Wait().code(), absl::StatusCode::kAborted);
  EXPECT_EQ(table_.RowsWritten(reservation_), 0);
}

TEST_F(KvTransferTest, DeadReceiverEndsThePushAndTheNextOneConnectsAnew) {
  Freeze();
  KvSender sender({}, &network_, &source_);
  Over first;
  auto handle = sender.Open(kAddress, Attempt(1), reservation_, first.Callback());
  handle->Enqueue(source_blocks_, 0, 0, 50);
  handle->Finish();
  network_.Kill(kAddress);
  EXPECT_EQ(first.Wait().code(), absl::StatusCode::kUnavailable);

  ASSERT_TRUE(network_.Listen(kAddress, kKvPushMethod, AcceptKvPushes(&table_, nullptr)).ok());
  ASSERT_TRUE(table_.BeginAttempt(reservation_, 2));
  Over second;
  handle = sender.Open(kAddress, Attempt(2), reservation_, second.Callback());
  EnqueueAll(*handle);
  handle->Finish();
  EXPECT_TRUE(second.Wait().ok());
  EXPECT_TRUE(table_.Complete(reservation_, 2));
}

TEST_F(KvTransferTest, CancelGivesTheBlocksBack) {
  Freeze();
  KvSender sender({}, &network_, &source_);
  Over over;
  auto handle = sender.Open(kAddress, Attempt(1), reservation_, over.Callback());
  EnqueueAll(*handle);
  handle->Cancel();
  EXPECT_EQ(over.Wait().code(), absl::StatusCode::kCancelled);
  for (const BlockId block : source_blocks_) source_.Release(block);
  EXPECT_EQ(source_.free_blocks(), source_.total_blocks());
}

// A decode worker that takes no page until it is let go.
class Paused {
 public:
  AcceptFunction Accept(AcceptFunction accept) {
    return [this, accept = std::move(accept)](std::shared_ptr<Connection> connection) {
      const StreamHandlers handlers = accept(std::move(connection));
      return StreamHandlers{.on_message =
                                [this, handlers](Message message) {
                                  go_.WaitForNotification();
                                  handlers.on_message(std::move(message));
                                },
                            .on_closed = handlers.on_closed};
    };
  }
  void Go() { go_.Notify(); }

 private:
  absl::Notification go_;
};

// Pages so small that a window of bytes holds more of them than a stream queues.
class KvTransferPauseTest : public testing::Test {
 protected:
  static constexpr KvShape kDeep = {.layers = 20, .width = 4, .dtype = DType::kBf16};
  static constexpr int64_t kTokens = 100;
  static_assert(kDeep.layers * kTokens > 1024);

  KvTransferPauseTest() : source_(kDeep, 2 * kDeep.BlockBytes()), target_(kDeep, 2 * kDeep.BlockBytes()), table_(&target_) {
    EXPECT_TRUE(network_.Listen(kAddress, kKvPushMethod, paused_.Accept(AcceptKvPushes(&table_, nullptr))).ok());
    reservation_ = table_.Open(target_.Allocate(2).value(), 0, kTokens);
  }
  ~KvTransferPauseTest() override { network_.Kill(kAddress); }

  std::shared_ptr<KvTransferHandle> PushRowByRow(KvSender& sender, uint32_t attempt, Over* over) {
    EXPECT_TRUE(table_.BeginAttempt(reservation_, attempt));
    v1::RequestContext context;
    context.set_attempt(attempt);
    std::shared_ptr<KvTransferHandle> handle = sender.Open(kAddress, context, reservation_, over->Callback());
    for (int64_t token = 0; token < kTokens; ++token) {
      for (int layer = 0; layer < kDeep.layers; ++layer) handle->Enqueue(blocks_, layer, token, 1);
    }
    return handle;
  }

  Paused paused_;
  BlockPool source_;
  BlockPool target_;
  ReservationTable table_;
  const std::vector<BlockId> blocks_ = source_.Allocate(2).value();
  uint64_t reservation_ = 0;
  InprocNetwork network_;
};

TEST_F(KvTransferPauseTest, AWorkerAtRestSlowsAPushDownAndBreaksNothing) {
  KvSender sender({}, &network_, &source_);
  Over over;
  PushRowByRow(sender, 1, &over)->Finish();
  paused_.Go();
  EXPECT_TRUE(over.Wait().ok());
  EXPECT_TRUE(table_.Complete(reservation_, 1));
}

// What was sent for attempts that are over is still queued, and its refusals say nothing of the attempt that goes on.
TEST_F(KvTransferPauseTest, PagesOfCancelledAttemptsStayInTheWindow) {
  KvSender sender({}, &network_, &source_);
  Over cancelled[3];
  uint32_t attempt = 0;
  for (Over& over : cancelled) {
    PushRowByRow(sender, ++attempt, &over)->Cancel();
    EXPECT_EQ(over.Wait().code(), absl::StatusCode::kCancelled);
  }
  Over over;
  PushRowByRow(sender, ++attempt, &over)->Finish();
  paused_.Go();
  EXPECT_TRUE(over.Wait().ok());
  EXPECT_TRUE(table_.Complete(reservation_, attempt));
}

// What a long cached prompt has of a layer is more than a message may hold, and shares its stream with others' pages.
TEST(KvTransferSizeTest, ALayerOfAnyLengthIsSentAndHarmsNobody) {
  constexpr KvShape kWide = {.layers = 1, .width = 1 << 16, .dtype = DType::kBf16};
  constexpr int64_t kBlocks = 9;
  constexpr int64_t kRows = kBlocks * 64;
  static_assert(kRows * (1 << 16) * 2 > static_cast<int64_t>(kMaxPayloadBytes));
  BlockPool source(kWide, kBlocks * kWide.BlockBytes());
  BlockPool target(kWide, (kBlocks + 1) * kWide.BlockBytes());
  ReservationTable table(&target);
  InprocNetwork network;
  ASSERT_TRUE(network.Listen(kAddress, kKvPushMethod, AcceptKvPushes(&table, nullptr)).ok());
  const std::vector<BlockId> blocks = source.Allocate(kBlocks).value();
  std::memset(source.Page(blocks.back(), 0) + 63 * kWide.RowBytes(), 0x5a, static_cast<size_t>(kWide.RowBytes()));
  const std::vector<BlockId> landing = target.Allocate(kBlocks).value();
  const uint64_t longer = table.Open(landing, 0, kRows);
  const uint64_t shorter = table.Open(target.Allocate(1).value(), 0, 1);
  v1::RequestContext context;
  context.set_attempt(1);
  KvSender sender({}, &network, &source);
  Over over[2];
  for (const uint64_t reservation : {longer, shorter}) {
    ASSERT_TRUE(table.BeginAttempt(reservation, 1));
    auto handle = sender.Open(kAddress, context, reservation, over[reservation == shorter].Callback());
    handle->Enqueue(blocks, 0, 0, reservation == longer ? kRows : 1);
    handle->Finish();
  }
  EXPECT_TRUE(over[0].Wait().ok());
  EXPECT_TRUE(over[1].Wait().ok());
  EXPECT_TRUE(table.Complete(longer, 1));
  EXPECT_TRUE(table.Complete(shorter, 1));
  EXPECT_EQ(target.Page(landing.back(), 0)[63 * kWide.RowBytes()], std::byte{0x5a});
  network.Kill(kAddress);
}

}  // namespace
}  // namespace baleen
