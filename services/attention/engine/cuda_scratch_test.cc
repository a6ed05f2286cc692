#include "services/attention/engine/cuda_scratch.h"

#include <string>
#include <vector>

#include "gtest/gtest.h"

namespace baleen {
namespace {

std::vector<const void*> Pointers(const CudaScratch& scratch) {
  return {scratch.logits_input.data(), scratch.logits.data(), scratch.logits_host.data()};
}

TEST(CudaScratchTest, LogitsThatFindNoRoomLeaveAllWhereItIs) {
  if (const std::string problem = cuda::DeviceProblem(); !problem.empty()) GTEST_SKIP() << problem;
  cuda::DeviceStream stream;
  ASSERT_TRUE(cuda::DeviceStream::Create(&stream).ok());
  // Each is what one of the allocations is made for.
  for (int64_t CudaScratch::*const size : {&CudaScratch::hidden, &CudaScratch::logits_stride, &CudaScratch::vocab_size}) {
    CudaScratch scratch;
    scratch.hidden = scratch.logits_stride = scratch.vocab_size = 8;
    ASSERT_TRUE(scratch.Begin(1, 1, stream.get()).ok());
    const std::vector<const void*> pointers = Pointers(scratch);
    const int64_t generation = scratch.generation;
    scratch.*size = int64_t{1} << 50;
    EXPECT_EQ(scratch.Begin(2, 2, stream.get()).code(), absl::StatusCode::kResourceExhausted);
    EXPECT_EQ(Pointers(scratch), pointers);
    EXPECT_EQ(scratch.generation, generation);
    EXPECT_EQ(scratch.logits_rows, 1);
    scratch.*size = 8;
    EXPECT_TRUE(scratch.Begin(2, 2, stream.get()).ok());
    EXPECT_NE(scratch.generation, generation);
  }
}

}  // namespace
}  // namespace baleen
