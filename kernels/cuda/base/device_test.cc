#include "kernels/cuda/base/device.h"

#include <cstdint>
#include <vector>

#include "gtest/gtest.h"
#include "kernels/cuda/base/host_stream.h"

namespace baleen::cuda {
namespace {

void ExpectOk(const Status& status) { EXPECT_TRUE(status.ok()) << status.message(); }

DeviceStream MakeStream() {
  DeviceStream stream;
  ExpectOk(DeviceStream::Create(&stream));
  return stream;
}

PinnedMemory Ints(const std::vector<int32_t>& values) {
  PinnedMemory memory;
  ExpectOk(PinnedMemory::Allocate(values.size() * sizeof(int32_t), &memory));
  ExpectOk(CopyNow(memory.data(), values.data(), memory.bytes()));
  return memory;
}

TEST(DeviceTest, CopiesThereAndBack) {
  DeviceMemory device;
  ExpectOk(DeviceMemory::Allocate(12, &device));
  EXPECT_EQ(reinterpret_cast<uintptr_t>(device.data()) % 256, 0u);
  const PinnedMemory in = Ints({1, 2, 3});
  const PinnedMemory out = Ints({0, 0, 0});
  const DeviceStream stream = MakeStream();
  ExpectOk(CopyAsync(device.data(), in.data(), 12, stream.get()));
  ExpectOk(FillAsync(device.As<int32_t>() + 1, 0, 4, stream.get()));
  ExpectOk(CopyAsync(out.data(), device.data(), 12, stream.get()));
  ExpectOk(stream.Synchronize());
  EXPECT_EQ(out.As<int32_t>()[0], 1);
  EXPECT_EQ(out.As<int32_t>()[1], 0);
  EXPECT_EQ(out.As<int32_t>()[2], 3);
}

TEST(DeviceTest, CopiesRowsWithStrides) {
  const PinnedMemory in = Ints({1, 2, 3, 4, 5, 6});
  const PinnedMemory out = Ints({0, 0, 0, 0});
  const DeviceStream stream = MakeStream();
  ExpectOk(CopyRowsAsync(out.data(), 8, in.data(), 12, 8, 2, stream.get()));
  ExpectOk(stream.Synchronize());
  EXPECT_EQ(std::vector<int32_t>(out.As<int32_t>(), out.As<int32_t>() + 4), std::vector<int32_t>({1, 2, 4, 5}));
}

TEST(DeviceTest, OnlyDevicesThatThereAreCanBeSelected) {
  ExpectOk(SelectDevice(DeviceCount() - 1));
  EXPECT_EQ(SelectDevice(DeviceCount()).message(), "device 8 of 8");
  EXPECT_FALSE(SelectDevice(-1).ok());
  ExpectOk(SelectDevice(0));
}

TEST(DeviceTest, EmulatedWorkRunsWhenSomebodyWaits) {
  std::vector<int> ran;
  const DeviceStream stream = MakeStream();
  EnqueueOnHost(stream.get(), [&] { ran.push_back(1); });
  EXPECT_TRUE(ran.empty());
  EnqueueOnHost(nullptr, [&] { ran.push_back(0); });
  ExpectOk(stream.Synchronize());
  EXPECT_EQ(ran, std::vector<int>({0, 1}));
}

TEST(DeviceTest, EventsOrderStreams) {
  std::vector<int> ran;
  const DeviceStream first = MakeStream();
  const DeviceStream second = MakeStream();
  DeviceEvent event;
  ExpectOk(DeviceEvent::Create(&event));
  EnqueueOnHost(first.get(), [&] { ran.push_back(1); });
  ExpectOk(event.Record(first.get()));
  EnqueueOnHost(first.get(), [&] { ran.push_back(2); });
  ExpectOk(event.Block(second.get()));
  EnqueueOnHost(second.get(), [&] { ran.push_back(3); });
  ExpectOk(second.Synchronize());
  EXPECT_EQ(ran, std::vector<int>({1, 3}));
  ExpectOk(event.Synchronize());
  EXPECT_EQ(ran, std::vector<int>({1, 3}));
  ExpectOk(SynchronizeDevice());
  EXPECT_EQ(ran, std::vector<int>({1, 3, 2}));
}

TEST(DeviceTest, GraphsRunAtEachLaunch) {
  int ran = 0;
  const DeviceStream stream = MakeStream();
  DeviceEvent event;
  ExpectOk(DeviceEvent::Create(&event));
  DeviceGraph graph;
  EXPECT_TRUE(graph.empty());
  ExpectOk(DeviceGraph::Capture(
      stream.get(),
      [&] {
        EnqueueOnHost(stream.get(), [&] { ++ran; });
        EXPECT_FALSE(stream.Synchronize().ok());
        ExpectOk(event.Record(stream.get()));
        return Status();
      },
      &graph));
  ExpectOk(stream.Synchronize());
  EXPECT_EQ(ran, 0);
  for (int launch = 0; launch < 3; ++launch) ExpectOk(graph.Launch(stream.get()));
  ExpectOk(stream.Synchronize());
  EXPECT_EQ(ran, 3);
  EXPECT_FALSE(event.Synchronize().ok());
  EXPECT_FALSE(event.Block(MakeStream().get()).ok());
  DeviceGraph failed;
  EXPECT_EQ(DeviceGraph::Capture(
                stream.get(), [] { return Status("no"); }, &failed)
                .message(),
            "no");
  EXPECT_TRUE(failed.empty());
}

}  // namespace
}  // namespace baleen::cuda
