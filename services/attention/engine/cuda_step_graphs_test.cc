#include "services/attention/engine/cuda_step_graphs.h"

#include <string>
#include <vector>

#include "gtest/gtest.h"

namespace baleen {
namespace {

class CudaStepGraphsTest : public testing::Test {
 protected:
  void SetUp() override {
    if (const std::string problem = cuda::DeviceProblem(); !problem.empty()) GTEST_SKIP() << problem;
    ASSERT_TRUE(cuda::DeviceStream::Create(&stream_).ok());
    ASSERT_TRUE(cuda::PinnedMemory::Allocate(3 * sizeof(int32_t), &memory_).ok());
  }

  // A step of two parts that copy memory_[0] to [1], then [1] to [2]. What it calls is written down.
  absl::Status Step(const StepShape& shape, absl::Status second = absl::OkStatus()) {
    StepParts& parts = graphs_.Begin(shape);
    const absl::Status status = parts.Run(stream_.get(), [&] { return Copy(0); });
    if (!status.ok()) return status;
    return parts.Run(stream_.get(), [&] { return second.ok() ? Copy(1) : second; });
  }
  absl::Status Copy(int from) {
    calls_.push_back(from);
    int32_t* const values = memory_.As<int32_t>();
    EXPECT_TRUE(cuda::CopyAsync(values + from + 1, values + from, sizeof(int32_t), stream_.get()).ok());
    return absl::OkStatus();
  }
  int32_t Result(int32_t input) {
    memory_.As<int32_t>()[0] = input;
    EXPECT_TRUE(Step({.rows = 1}).ok());
    EXPECT_TRUE(stream_.Synchronize().ok());
    return memory_.As<int32_t>()[2];
  }

  cuda::PinnedMemory memory_;
  cuda::DeviceStream stream_;  // Goes first, when its work is done.
  CudaStepGraphs graphs_;
  std::vector<int> calls_;
};

TEST_F(CudaStepGraphsTest, RunsThenRecordsThenReplays) {
  EXPECT_EQ(Result(5), 5);
  EXPECT_EQ(Result(6), 6);
  EXPECT_EQ(calls_, (std::vector<int>{0, 1, 0, 1}));
  EXPECT_EQ(Result(7), 7);
  EXPECT_EQ(Result(8), 8);
  EXPECT_EQ(calls_.size(), 4u);
  EXPECT_TRUE(Step({.rows = 2}).ok());
  EXPECT_EQ(calls_.size(), 6u);
}

TEST_F(CudaStepGraphsTest, AFailedPartIsRecordedLater) {
  EXPECT_EQ(Result(1), 1);
  EXPECT_EQ(Step({.rows = 1}, absl::UnavailableError("no expert")).code(), absl::StatusCode::kUnavailable);
  EXPECT_EQ(calls_, (std::vector<int>{0, 1, 0}));
  EXPECT_EQ(Result(2), 2);
  EXPECT_EQ(calls_, (std::vector<int>{0, 1, 0, 1}));
  EXPECT_EQ(Result(3), 3);
  EXPECT_EQ(calls_.size(), 4u);
}

TEST_F(CudaStepGraphsTest, APartThatNeverRanIsNotRecorded) {
  EXPECT_FALSE(Step({.rows = 1}, absl::UnavailableError("no expert")).ok());
  EXPECT_EQ(Result(1), 1);
  EXPECT_EQ(calls_, (std::vector<int>{0, 0, 1}));
  EXPECT_EQ(Result(2), 2);
  EXPECT_EQ(calls_, (std::vector<int>{0, 0, 1, 1}));
  EXPECT_EQ(Result(3), 3);
  EXPECT_EQ(calls_.size(), 4u);
}

// The null stream records nothing.
TEST_F(CudaStepGraphsTest, WhatCannotBeRecordedRunsAsItIs) {
  stream_ = {};
  for (const int32_t input : {4, 5, 6}) EXPECT_EQ(Result(input), input);
  EXPECT_EQ(calls_, (std::vector<int>{0, 1, 0, 1, 0, 1}));
}

TEST_F(CudaStepGraphsTest, ManyShapesAreRecordedAnew) {
  for (int64_t rows = 1; rows <= 200; ++rows) EXPECT_TRUE(Step({.rows = rows}).ok());
  EXPECT_EQ(Result(9), 9);
}

TEST(PaddedRowsTest, FewSizes) {
  EXPECT_EQ(CudaStepGraphs::PaddedRows(1, 512), 1);
  EXPECT_EQ(CudaStepGraphs::PaddedRows(3, 512), 4);
  EXPECT_EQ(CudaStepGraphs::PaddedRows(64, 512), 64);
  EXPECT_EQ(CudaStepGraphs::PaddedRows(65, 512), 128);
  EXPECT_EQ(CudaStepGraphs::PaddedRows(65, 100), 100);
}

}  // namespace
}  // namespace baleen
