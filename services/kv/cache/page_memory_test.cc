#include "services/kv/cache/page_memory.h"

#include <algorithm>
#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "gtest/gtest.h"
#include "kernels/cuda/base/device.h"
#include "services/kv/cache/block_pool.h"
#include "services/kv/cache/device_page_memory.h"
#include "services/kv/cache/replicated_page_memory.h"

namespace baleen {
namespace {

using MakeMemory = std::unique_ptr<PageMemory> (*)(int64_t bytes);

std::unique_ptr<PageMemory> NewOnTwoDevices(int64_t bytes) { return NewReplicatedPageMemory(bytes, 2); }

class PageMemoryTest : public testing::TestWithParam<MakeMemory> {
 protected:
  void SetUp() override {
    const std::string problem = cuda::DeviceProblem();
    if (GetParam() != &NewHostPageMemory && !problem.empty()) GTEST_SKIP() << problem;
    if (GetParam() == &NewOnTwoDevices && cuda::DeviceCount() < 2) GTEST_SKIP() << "one device";
  }
  static std::vector<std::byte> Counting(size_t size) {
    std::vector<std::byte> bytes(size);
    for (size_t i = 0; i < size; ++i) bytes[i] = static_cast<std::byte>(i * 7 + 1);
    return bytes;
  }
  static std::vector<std::byte> Read(PageMemory& memory, int64_t offset, size_t size) {
    std::vector<std::byte> bytes(size);
    memory.Read({{memory.data() + offset, bytes.data(), size}});
    return bytes;
  }
};

TEST_P(PageMemoryTest, IsZeroAtFirst) {
  const std::unique_ptr<PageMemory> memory = GetParam()(100000);
  EXPECT_EQ(memory->bytes(), 100000);
  EXPECT_EQ(Read(*memory, 0, 100000), std::vector<std::byte>(100000));
}

TEST_P(PageMemoryTest, ReadsWhatWasWritten) {
  const std::unique_ptr<PageMemory> memory = GetParam()(1000);
  std::vector<std::byte> written = Counting(300);
  memory->Write({{memory->data() + 10, written.data(), 100}, {memory->data() + 500, written.data() + 100, 200}});
  EXPECT_EQ(Read(*memory, 10, 100), std::vector<std::byte>(written.begin(), written.begin() + 100));
  EXPECT_EQ(Read(*memory, 500, 200), std::vector<std::byte>(written.begin() + 100, written.end()));
  EXPECT_EQ(Read(*memory, 110, 390), std::vector<std::byte>(390));
}

TEST_P(PageMemoryTest, ZeroesRunsAlone) {
  const std::unique_ptr<PageMemory> memory = GetParam()(1000);
  std::vector<std::byte> expected = Counting(1000);
  memory->Write({{memory->data(), expected.data(), 1000}});
  memory->Zero({memory->data() + 100, memory->data() + 700}, 50);
  std::fill_n(expected.begin() + 100, 50, std::byte{0});
  std::fill_n(expected.begin() + 700, 50, std::byte{0});
  EXPECT_EQ(Read(*memory, 0, 1000), expected);
}

// More than a device's staging memory holds at a time, and runs that cross its end.
TEST_P(PageMemoryTest, RunsMayBeLong) {
  const size_t size = (size_t{9} << 20) + 123;
  const std::unique_ptr<PageMemory> memory = GetParam()(static_cast<int64_t>(size));
  std::vector<std::byte> written = Counting(size);
  std::vector<PageRun> runs;
  for (size_t begin = 0; begin < size;) {
    const size_t bytes = std::min(size - begin, begin == 0 ? size_t{5} << 20 : size_t{700001});
    runs.push_back({memory->data() + begin, written.data() + begin, bytes});
    begin += bytes;
  }
  memory->Write(runs);
  EXPECT_TRUE(Read(*memory, 0, size) == written);
}

TEST_P(PageMemoryTest, NoneWhereThereIsNone) {
  EXPECT_EQ(GetParam()(0)->bytes(), 0);
  EXPECT_EQ(BlockPool({1, 8, DType::kBf16}, GetParam()(0)).total_blocks(), 0);
}

TEST_P(PageMemoryTest, BlocksAreZeroedOfEarlierContent) {
  const KvShape shape = {2, 8, DType::kBf16};
  const int64_t block_bytes = shape.BlockBytes();
  BlockPool pool(shape, GetParam()(block_bytes));
  ASSERT_EQ(pool.total_blocks(), 1);
  const BlockId block = pool.Allocate(1).value()[0];
  std::vector<std::byte> written = Counting(static_cast<size_t>(block_bytes));
  pool.memory().Write({{pool.Page(block, 0), written.data(), written.size()}});
  pool.Release(block);
  const BlockId again = pool.Allocate(1).value()[0];
  EXPECT_EQ(Read(pool.memory(), pool.Page(again, 0) - pool.memory().data(), written.size()), std::vector<std::byte>(written.size()));
}

TEST(ReplicatedPageMemoryTest, AllDevicesHaveWhatTheHostWrites) {
  if (cuda::DeviceCount() < 2) GTEST_SKIP() << "one device";
  const std::unique_ptr<PageMemory> memory = NewOnTwoDevices(1000);
  ASSERT_NE(memory->replica(1), memory->data());
  EXPECT_EQ(memory->replica(0), memory->data());
  std::vector<std::byte> written(300, std::byte{7});
  memory->Write({{memory->data() + 500, written.data(), 300}});
  memory->Zero({memory->data() + 600}, 100);
  for (const int rank : {0, 1}) {
    std::vector<std::byte> bytes(1000);
    ASSERT_TRUE(cuda::CopyNow(bytes.data(), memory->replica(rank), 1000).ok());
    for (size_t i = 0; i < bytes.size(); ++i) {
      const bool set = i >= 500 && i < 800 && (i < 600 || i >= 700);
      ASSERT_EQ(bytes[i], set ? std::byte{7} : std::byte{0}) << "rank " << rank << " byte " << i;
    }
  }
}

constexpr const char* kNames[] = {"host", "device", "two_devices"};

INSTANTIATE_TEST_SUITE_P(Memories, PageMemoryTest, testing::Values(&NewHostPageMemory, &NewDevicePageMemory, &NewOnTwoDevices),
                         [](const testing::TestParamInfo<MakeMemory>& info) { return kNames[info.index]; });

}  // namespace
}  // namespace baleen
