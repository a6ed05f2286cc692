#include "model/cuda/column_gather.h"

#include <functional>
#include <thread>
#include <vector>

#include "gtest/gtest.h"

namespace baleen {
namespace {

constexpr int64_t kMaxRows = 5, kMaxFloats = 8;  // Of a rank's part.

float Value(int round, int64_t row, int64_t column) { return static_cast<float>(round * 10000 + row * 100 + column); }

void ExpectOk(const cuda::Status& status) { EXPECT_TRUE(status.ok()) << status.message(); }
void ExpectOk(const absl::Status& status) { EXPECT_TRUE(status.ok()) << status; }

class ColumnGatherTest : public testing::TestWithParam<int> {
 protected:
  void SetUp() override {
    if (const std::string problem = cuda::DeviceProblem(); !problem.empty()) GTEST_SKIP() << problem;
    if (cuda::DeviceCount() < ranks()) GTEST_SKIP() << ranks() << " GPUs wanted";
    auto group = CreateRankGroup(ranks());
    if (absl::IsFailedPrecondition(group.status())) GTEST_SKIP() << group.status();
    ASSERT_TRUE(group.ok()) << group.status();
    group_ = *std::move(group);
  }
  int ranks() const { return GetParam(); }
  // body(rank) on a thread for each, where its device is selected.
  void OnEach(const std::function<void(int)>& body) {
    std::vector<std::thread> threads;
    for (int rank = 0; rank < ranks(); ++rank) {
      threads.emplace_back([&, rank] {
        ExpectOk(cuda::SelectDevice(rank));
        body(rank);
      });
    }
    for (std::thread& thread : threads) thread.join();
  }

  std::unique_ptr<RankGroup> group_;
};

// One rank's memory and stream.
class Rank {
 public:
  Rank(RankGroup* group, RankSlice slice) : slice_(slice) {
    gather_ = *ColumnGather::Allocate(group, slice, kMaxRows, kMaxFloats * sizeof(float));
    ExpectOk(cuda::DeviceMemory::Allocate(kMaxRows * slice.size * kMaxFloats * sizeof(float), &whole_));
    ExpectOk(cuda::DeviceStream::Create(&stream_));
    for (cuda::PinnedMemory* const memory : {&part_, &result_[0], &result_[1]}) {
      ExpectOk(cuda::PinnedMemory::Allocate(whole_.bytes(), memory));
    }
  }

  // Enqueues the gather of matrix `round` [rows, size * floats], and the copy of what comes of it to the host.
  void Gather(int round, int64_t rows, int64_t floats) {
    float* const part = part_.As<float>();
    for (int64_t i = 0; i < rows * floats; ++i) part[i] = Value(round, i / floats, slice_.rank * floats + i % floats);
    const size_t bytes = static_cast<size_t>(rows * floats) * sizeof(float);
    ExpectOk(gather_.Begin(rows, stream_.get()));
    ExpectOk(cuda::CopyAsync(gather_.Part(whole_.As<float>()), part, bytes, stream_.get()));
    ExpectOk(gather_.Gather(whole_.data(), floats * static_cast<int64_t>(sizeof(float)), stream_.get()));
    ExpectOk(cuda::CopyAsync(result_[round].data(), whole_.data(), bytes * static_cast<size_t>(slice_.size), stream_.get()));
  }
  // Enqueues other bytes where the part was.
  void SpoilPart() { ExpectOk(cuda::FillAsync(gather_.Part(whole_.As<float>()), 0xee, kMaxFloats * sizeof(float), stream_.get())); }
  void Wait() { ExpectOk(stream_.Synchronize()); }
  void Check(int round, int64_t rows, int64_t floats) const {
    const int64_t columns = slice_.size * floats;
    for (int64_t i = 0; i < rows * columns; ++i) {
      ASSERT_EQ(result_[round].As<float>()[i], Value(round, i / columns, i % columns)) << "rank " << slice_.rank << " round " << round;
    }
  }

 private:
  const RankSlice slice_;
  ColumnGather gather_;
  cuda::DeviceMemory whole_;
  cuda::DeviceStream stream_;
  cuda::PinnedMemory part_;
  cuda::PinnedMemory result_[2];
};

TEST_P(ColumnGatherTest, EveryRankHasAllColumns) {
  OnEach([&](int index) {
    Rank rank(group_.get(), {index, ranks()});
    rank.Gather(0, 3, 4);
    rank.SpoilPart();  // Behind the gather: nobody reads it any more.
    rank.Wait();
    rank.Gather(1, 5, 8);
    rank.Wait();
    rank.Check(0, 3, 4);
    rank.Check(1, 5, 8);
  });
}

TEST_P(ColumnGatherTest, AfterAnAbortNobodyWaits) {
  const absl::Status cause = absl::InternalError("GPU 0 fell off the bus");
  OnEach([&](int rank) {
    if (rank == 0) return group_->Abort(cause);
    cuda::DeviceStream stream;
    ExpectOk(cuda::DeviceStream::Create(&stream));
    cuda::DeviceMemory memory;
    ExpectOk(cuda::DeviceMemory::Allocate(1024, &memory));
    const absl::Status status = group_->AllGather(rank, memory.data(), memory.As<char>() + 256, 16, stream.get());
    if (cuda::DeviceIsEmulated()) {  // NCCL may have enqueued it before, and ends it on the device.
      EXPECT_EQ(status, cause);
    }
    ExpectOk(stream.Synchronize());
  });
  EXPECT_EQ(group_->AllGather(0, nullptr, nullptr, 16, nullptr), cause);
}

INSTANTIATE_TEST_SUITE_P(Ranks, ColumnGatherTest, testing::Values(1, 2, 4), testing::PrintToStringParamName());

TEST(LoneColumnGatherTest, WritesTheWholeInPlace) {
  const ColumnGather gather = *ColumnGather::Allocate(nullptr, {}, kMaxRows, 16);
  float whole = 0;
  EXPECT_EQ(gather.Part(&whole), &whole);
  ExpectOk(gather.Gather(&whole, 16, nullptr));
}

}  // namespace
}  // namespace baleen
