#include "services/kv/transfer/reservation_table.h"

#include <chrono>
#include <cstring>
#include <future>
#include <memory>
#include <thread>
#include <vector>

#include "absl/synchronization/notification.h"
#include "gtest/gtest.h"
#include "services/kv/transfer/crc32c.h"

namespace baleen {
namespace {

constexpr KvShape kShape = {.layers = 2, .width = 4, .dtype = DType::kF32};

class ReservationTableTest : public testing::Test {
 protected:
  ReservationTableTest() : pool_(kShape, 8 * kShape.BlockBytes()), table_(&pool_) {
    blocks_ = pool_.Allocate(2).value();
    id_ = table_.Open(blocks_, 0, 100);
    EXPECT_TRUE(table_.BeginAttempt(id_, 3));
  }

  IncomingRows Rows(uint32_t layer, uint32_t first, uint32_t count) {
    bytes_.assign(count * static_cast<size_t>(kShape.RowBytes()), std::byte{0x3c});
    return {.reservation = id_,
            .attempt = 3,
            .layer = layer,
            .first_token = first,
            .token_count = count,
            .dtype = DType::kF32,
            .checksum = Crc32c(bytes_.data(), bytes_.size()),
            .rows = bytes_};
  }

  BlockPool pool_;
  ReservationTable table_;
  std::vector<BlockId> blocks_;
  uint64_t id_ = 0;
  std::vector<std::byte> bytes_;
};

TEST_F(ReservationTableTest, RowsLandAcrossPagesAndCompleteTheAttempt) {
  EXPECT_TRUE(table_.Write(Rows(0, 0, 60)).ok());
  EXPECT_TRUE(table_.Write(Rows(0, 60, 40)).ok());
  EXPECT_FALSE(table_.Complete(id_, 3));
  EXPECT_TRUE(table_.Write(Rows(1, 0, 100)).ok());
  EXPECT_TRUE(table_.Complete(id_, 3));
  EXPECT_EQ(table_.RowsWritten(id_), 200);
  const std::byte* second_page = pool_.Page(blocks_[1], 0);
  EXPECT_EQ(second_page[35 * kShape.RowBytes()], std::byte{0x3c});
  EXPECT_EQ(second_page[36 * kShape.RowBytes()], std::byte{0});
}

TEST_F(ReservationTableTest, RefusesWhatDoesNotFit) {
  EXPECT_EQ(table_.Write(Rows(2, 0, 1)).code(), absl::StatusCode::kOutOfRange);
  EXPECT_EQ(table_.Write(Rows(0, 0, 101)).code(), absl::StatusCode::kOutOfRange);
  EXPECT_EQ(table_.Write(Rows(0, 0, 0)).code(), absl::StatusCode::kOutOfRange);
  EXPECT_EQ(table_.Write(Rows(0, 1, 1)).code(), absl::StatusCode::kOutOfRange);
  IncomingRows rows = Rows(0, 0, 2);
  rows.first_token = 0xffffffffu;
  EXPECT_EQ(table_.Write(rows).code(), absl::StatusCode::kOutOfRange);
  rows = Rows(0, 0, 2);
  rows.token_count = 3;
  EXPECT_EQ(table_.Write(rows).code(), absl::StatusCode::kInvalidArgument);
  rows = Rows(0, 0, 2);
  rows.dtype = DType::kBf16;
  EXPECT_EQ(table_.Write(rows).code(), absl::StatusCode::kInvalidArgument);
  rows = Rows(0, 0, 2);
  rows.checksum ^= 1;
  EXPECT_EQ(table_.Write(rows).code(), absl::StatusCode::kDataLoss);
  EXPECT_EQ(table_.RowsWritten(id_), 0);
}

TEST_F(ReservationTableTest, SharedRowsBeforeTheFirstAreNeverWritten) {
  id_ = table_.Open(blocks_, 64, 100);
  ASSERT_TRUE(table_.BeginAttempt(id_, 3));
  EXPECT_EQ(table_.Write(Rows(0, 0, 100)).code(), absl::StatusCode::kOutOfRange);
  EXPECT_EQ(table_.Write(Rows(0, 65, 35)).code(), absl::StatusCode::kOutOfRange);
  EXPECT_TRUE(table_.Write(Rows(0, 64, 36)).ok());
  EXPECT_TRUE(table_.Write(Rows(1, 64, 36)).ok());
  EXPECT_TRUE(table_.Complete(id_, 3));
  EXPECT_EQ(table_.RowsWritten(id_), 72);
  EXPECT_EQ(*pool_.Page(blocks_[0], 0), std::byte{0});
}

TEST_F(ReservationTableTest, LayersBeyondTheRequiredMayStayAway) {
  ReservationTable table(&pool_, 1);
  id_ = table.Open(blocks_, 0, 10);
  ASSERT_TRUE(table.BeginAttempt(id_, 3));
  EXPECT_TRUE(table.Write(Rows(0, 0, 10)).ok());
  EXPECT_TRUE(table.Complete(id_, 3));
  EXPECT_TRUE(table.Write(Rows(1, 0, 10)).ok());
}

TEST_F(ReservationTableTest, OnlyTheCurrentAttemptWrites) {
  EXPECT_TRUE(table_.Write(Rows(0, 0, 10)).ok());
  EXPECT_FALSE(table_.BeginAttempt(id_, 3));
  EXPECT_TRUE(table_.BeginAttempt(id_, 4));
  EXPECT_EQ(table_.RowsWritten(id_), 0);
  EXPECT_EQ(table_.Write(Rows(0, 0, 10)).code(), absl::StatusCode::kFailedPrecondition);
}

// Memory whose next copy from the host waits to be let go, as a large page on a slow machine does.
class HeldMemory final : public PageMemory {
 public:
  explicit HeldMemory(int64_t bytes) : memory_(NewHostPageMemory(bytes)) {}
  std::byte* data() const override { return memory_->data(); }
  int64_t bytes() const override { return memory_->bytes(); }
  void Zero(absl::Span<std::byte* const> runs, size_t bytes) override { memory_->Zero(runs, bytes); }
  void Read(absl::Span<const PageRun> runs) override { memory_->Read(runs); }
  void Write(absl::Span<const PageRun> runs) override {
    begun.Notify();
    let_go.WaitForNotification();
    memory_->Write(runs);
  }
  absl::Notification begun;
  absl::Notification let_go;

 private:
  const std::unique_ptr<PageMemory> memory_;
};

TEST_F(ReservationTableTest, RowsAreCountedWhileAPageIsWritten) {
  auto memory = std::make_unique<HeldMemory>(4 * kShape.BlockBytes());
  HeldMemory& held = *memory;
  BlockPool pool(kShape, std::move(memory));
  ReservationTable table(&pool);
  id_ = table.Open(pool.Allocate(2).value(), 0, 100);
  ASSERT_TRUE(table.BeginAttempt(id_, 3));
  const IncomingRows rows = Rows(0, 0, 60);
  std::thread writer([&] { EXPECT_TRUE(table.Write(rows).ok()); });
  held.begun.WaitForNotification();
  std::future<int64_t> counted = std::async(std::launch::async, [&] { return table.RowsWritten(id_); });
  EXPECT_EQ(counted.wait_for(std::chrono::seconds(5)), std::future_status::ready);
  held.let_go.Notify();
  writer.join();
  EXPECT_EQ(counted.get(), 0);
  EXPECT_EQ(table.RowsWritten(id_), 60);
}

TEST_F(ReservationTableTest, CloseFencesAndGivesTheBlocksBack) {
  for (const BlockId block : blocks_) pool_.Release(block);
  EXPECT_EQ(pool_.free_blocks(), pool_.total_blocks() - 2);
  table_.Close(id_);
  EXPECT_EQ(pool_.free_blocks(), pool_.total_blocks());
  EXPECT_EQ(table_.Write(Rows(0, 0, 1)).code(), absl::StatusCode::kNotFound);
  EXPECT_EQ(table_.open(), 0);
}

}  // namespace
}  // namespace baleen
