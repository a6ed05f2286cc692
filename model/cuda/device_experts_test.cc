// Experts on the device (here: its emulation) against those of the CPU, and against themselves in other batches.
#include "model/cuda/device_experts.h"

#include <gtest/gtest.h>

#include <atomic>
#include <cmath>
#include <string>
#include <thread>
#include <vector>

#include "base/values.h"
#include "kernels/cuda/base/device.h"
#include "kernels/isa.h"
#include "model/cuda/expert_lane.h"
#include "model/cuda/pinned_pool.h"
#include "model/layers/expert_compute.h"
#include "tests/invariance/tiny_checkpoint.h"

namespace baleen {
namespace {

constexpr int kLayer = 2;
constexpr int kExperts = 8;
constexpr int kTopK = 3;
constexpr int64_t kRows = 9;

struct Case {
  DType stored;
  DType compute;
  int roundings;  // To FP8 that an output sees, each on its own: of the row and of weights once in gate and once in up, of both in down.
};

constexpr Case kCases[] = {{DType::kBf16, DType::kBf16, 0},
                           {DType::kF8E4m3, DType::kBf16, 0},
                           {DType::kF8E4m3, DType::kF8E4m3, 3},
                           {DType::kBf16, DType::kF8E4m3, 6}};

// Of the outputs' distance from the CPU's in F32, relative to their length. A code is off by 2.6% in the root mean square.
double Tolerance(const Case& tested) { return tested.roundings == 0 ? 0.01 : 1.1 * 0.026 * std::sqrt(tested.roundings); }

using Bytes = std::vector<std::byte>;
using Weights = std::shared_ptr<const DeviceExpertWeights>;

class DeviceExpertsTest : public testing::TestWithParam<Case> {
 protected:
  void SetUp() override {
    if (const std::string problem = cuda::DeviceProblem(); !problem.empty()) GTEST_SKIP() << problem;
    const std::string directory = WriteTinyCheckpoint("device_experts", {.dtype = GetParam().stored});
    auto config = ModelConfig::Load(directory);
    ASSERT_TRUE(config.ok()) << config.status();
    config_ = *config;
    auto checkpoint = Checkpoint::Open(directory);
    ASSERT_TRUE(checkpoint.ok()) << checkpoint.status();
    checkpoint_ = *std::move(checkpoint);
    const auto format = ExpertFormat::Of(config_, GetParam().compute);
    ASSERT_TRUE(format.ok()) << format.status();
    format_ = *format;
    input_.resize(static_cast<size_t>(kRows * hidden()));
    for (size_t i = 0; i < input_.size(); ++i) input_[i] = F32ToBf16(std::sin(static_cast<float>(i * i % 977)) * 2);
  }

  int64_t hidden() const { return config_.hidden_size; }
  int64_t row_bytes() const { return hidden() * 2; }

  absl::StatusOr<Weights> Load(const std::vector<int>& experts, const Weights& held = nullptr, int64_t most_bytes = 0) {
    std::vector<ExpertId> ids;
    for (const int expert : experts) ids.push_back({kLayer, expert});
    return DeviceExpertWeights::Load(*checkpoint_, config_, ids, format_, held.get(), most_bytes);
  }
  Weights MustLoad(const std::vector<int>& experts, const Weights& held = nullptr) {
    auto weights = Load(experts, held);
    EXPECT_TRUE(weights.ok()) << weights.status();
    return *weights;
  }
  std::unique_ptr<ExpertLane> Lane(int64_t max_slots = 64) {
    auto lane = ExpertLane::Create(format_, max_slots);
    EXPECT_TRUE(lane.ok()) << lane.status();
    return *std::move(lane);
  }

  // Row r asks for experts r, r + 1 and r + 3, in a ring.
  static std::vector<uint32_t> IdsOf(int64_t row) {
    return {static_cast<uint32_t>(row) % kExperts, static_cast<uint32_t>(row + 1) % kExperts, static_cast<uint32_t>(row + 3) % kExperts};
  }
  std::vector<ExpertSlot> Slots(const std::vector<int64_t>& rows, std::byte* out) const {
    std::vector<ExpertSlot> slots;
    for (const int64_t row : rows) {
      const auto* const input = reinterpret_cast<const std::byte*>(input_.data() + row * hidden());
      for (const uint32_t expert : IdsOf(row)) {
        slots.push_back({expert, input, out});
        out += row_bytes();
      }
    }
    return slots;
  }
  // [rows, kTopK, hidden]
  Bytes Compute(ExpertLane& lane, const DeviceExpertWeights& weights, const std::vector<int64_t>& rows) {
    const size_t size = rows.size() * kTopK * static_cast<size_t>(row_bytes());
    const auto out = pool_.Take(size);
    EXPECT_TRUE(out.ok()) << out.status();
    const absl::Status status = lane.Compute(*weights.Layer(kLayer), Slots(rows, out->get()));
    EXPECT_TRUE(status.ok()) << status;
    return Bytes(out->get(), out->get() + size);
  }

  static std::vector<int> All() { return {0, 1, 2, 3, 4, 5, 6, 7}; }
  static std::vector<int64_t> AllRows() { return {0, 1, 2, 3, 4, 5, 6, 7, 8}; }

  ModelConfig config_;
  std::unique_ptr<Checkpoint> checkpoint_;
  ExpertFormat format_;
  std::vector<Bf16> input_;
  PinnedPool pool_{1 << 20};
};

TEST_P(DeviceExpertsTest, AgreesWithTheCpu) {
  std::vector<ExpertId> ids;
  for (const int expert : All()) ids.push_back({kLayer, expert});
  const auto cpu = ExpertWeights::Load(*checkpoint_, config_, ids, {DType::kF32, Isa::kReference});
  ASSERT_TRUE(cpu.ok()) << cpu.status();
  const int64_t count = kRows * kTopK * hidden();
  std::vector<float> expected(static_cast<size_t>(count));
  Bytes unused(static_cast<size_t>(kRows * kTopK * row_bytes()));
  const std::vector<ExpertSlot> slots = Slots(AllRows(), unused.data());
  for (size_t i = 0; i < slots.size(); ++i) {
    std::vector<float> x(static_cast<size_t>(hidden()));
    ValuesFromWire(slots[i].input, hidden(), DType::kBf16, x.data());
    (*cpu)->Apply({kLayer, static_cast<int>(slots[i].expert)}, x.data(), 1, &expected[i * x.size()], nullptr);
  }
  const Bytes bytes = Compute(*Lane(), *MustLoad(All()), AllRows());
  std::vector<float> got(expected.size());
  ValuesFromWire(bytes.data(), count, DType::kBf16, got.data());
  double difference = 0;
  double length = 0;
  for (size_t i = 0; i < got.size(); ++i) {
    difference += std::pow(got[i] - expected[i], 2);
    length += std::pow(expected[i], 2);
  }
  EXPECT_LT(std::sqrt(difference / length), Tolerance(GetParam()));
}

TEST_P(DeviceExpertsTest, AnOutputDependsOnItsRowAndItsExpertAlone) {
  const Weights whole = MustLoad(All());
  const Bytes together = Compute(*Lane(), *whole, AllRows());
  EXPECT_EQ(Compute(*Lane(4), *whole, AllRows()), together) << "in pieces of four slots";
  const Weights pieces = MustLoad(All(), MustLoad({6, 1, 3}));
  ASSERT_EQ(pieces->Layer(kLayer)->stacks.size(), 2u);
  const std::unique_ptr<ExpertLane> lane = Lane();
  EXPECT_EQ(Compute(*lane, *pieces, AllRows()), together) << "of two pieces of memory";
  const size_t row_size = kTopK * static_cast<size_t>(row_bytes());
  for (int64_t row = kRows - 1; row >= 0; --row) {
    const Bytes alone = Compute(*lane, *pieces, {row});
    EXPECT_TRUE(std::equal(alone.begin(), alone.end(), together.begin() + row * static_cast<int64_t>(row_size))) << "row " << row;
  }
}

TEST_P(DeviceExpertsTest, LoadsIntoWhatWasDropped) {
  Weights held = MustLoad({0, 1, 2, 3});
  const int64_t bytes = held->bytes();
  held = MustLoad({0, 1}, held);
  EXPECT_EQ(held->size(), 2u);
  EXPECT_FALSE(held->Has({kLayer, 2}));
  EXPECT_EQ(held->Layer(kLayer)->group_of_expert[2], -1);
  const int64_t read = checkpoint_->BytesRead();
  held = MustLoad({0, 1, 5, 7}, held);
  EXPECT_EQ(held->bytes(), bytes);
  EXPECT_EQ(held->Layer(kLayer)->stacks.size(), 1u);
  EXPECT_GT(checkpoint_->BytesRead(), read);
  EXPECT_EQ(Load({0, 1, 4, 5, 7}, held, bytes).status().code(), absl::StatusCode::kResourceExhausted);
  EXPECT_TRUE(Load({0, 1, 4, 5, 7}, held, bytes + format_.bytes()).ok());
  held = MustLoad(All(), held);
  EXPECT_EQ(Compute(*Lane(), *held, AllRows()), Compute(*Lane(), *MustLoad(All()), AllRows()));
  EXPECT_EQ(Load({8}).status().code(), absl::StatusCode::kInvalidArgument);
}

TEST_P(DeviceExpertsTest, ComputesWhileOthersComeAndGo) {
  Weights first = MustLoad({0, 1, 2, 3});
  // Row 0 asks for experts 0, 1 and 3, which are held throughout.
  const Bytes expected = Compute(*Lane(), *first, {0, 0, 0});
  std::mutex mu;
  Weights held = first;
  std::atomic<bool> done = false;
  std::vector<std::thread> users;
  for (int i = 0; i < 2; ++i) {
    users.emplace_back([&] {
      const std::unique_ptr<ExpertLane> lane = Lane();
      do {
        Weights weights;
        {
          std::lock_guard lock(mu);
          weights = held;
        }
        EXPECT_EQ(Compute(*lane, *weights, {0, 0, 0}), expected);
      } while (!done);
    });
  }
  for (int round = 0; round < 6; ++round) {
    Weights next = MustLoad(round % 2 == 0 ? std::vector<int>{0, 1, 3, 4, 5, 6} : std::vector<int>{0, 1, 2, 3}, held);
    std::lock_guard lock(mu);
    held = std::move(next);
  }
  done = true;
  for (std::thread& user : users) user.join();
}

TEST_P(DeviceExpertsTest, RowsOnTheDeviceGetTheSameBits) {
  const Bytes expected = Compute(*Lane(), *MustLoad(All()), AllRows());
  std::vector<ExpertId> ids;
  for (const int expert : All()) {
    if (expert != 5) ids.push_back({kLayer, expert});
  }
  auto experts = DeviceExperts::Load(*checkpoint_, config_, ids, {GetParam().compute, Isa::kReference}, kRows);
  ASSERT_TRUE(experts.ok()) << experts.status();
  cuda::DeviceMemory input;
  ASSERT_TRUE(cuda::DeviceMemory::Allocate(input_.size() * 2, &input).ok());
  ASSERT_TRUE(cuda::CopyNow(input.data(), input_.data(), input_.size() * 2).ok());
  std::vector<int32_t> wanted;
  for (const int64_t row : AllRows()) {
    for (const uint32_t expert : IdsOf(row)) wanted.push_back(static_cast<int32_t>(expert));
  }
  cuda::DeviceMemory device_ids;
  ASSERT_TRUE(cuda::DeviceMemory::Allocate(wanted.size() * 4, &device_ids).ok());
  ASSERT_TRUE(cuda::CopyNow(device_ids.data(), wanted.data(), wanted.size() * 4).ok());
  cuda::DeviceStream stream;
  ASSERT_TRUE(cuda::DeviceStream::Create(&stream).ok());
  DeviceExperts::Outputs outputs;
  const cuda::Status enqueued = (*experts)->Enqueue({kLayer, kRows, input.As<Bf16>(), device_ids.As<int32_t>()}, stream.get(), &outputs);
  ASSERT_TRUE(enqueued.ok()) << enqueued.message();
  ASSERT_TRUE(stream.Synchronize().ok());
  std::vector<int32_t> slots(wanted.size());
  ASSERT_TRUE(cuda::CopyNow(slots.data(), outputs.slots, slots.size() * 4).ok());
  for (size_t copy = 0; copy < wanted.size(); ++copy) {
    if (wanted[copy] == 5) {
      EXPECT_EQ(slots[copy], -1);
      continue;
    }
    Bytes row(static_cast<size_t>(row_bytes()));
    ASSERT_TRUE(cuda::CopyNow(row.data(), outputs.y + slots[copy] * hidden(), row.size()).ok());
    EXPECT_TRUE(std::equal(row.begin(), row.end(), expected.begin() + static_cast<int64_t>(copy * row.size()))) << copy;
  }
  EXPECT_FALSE((*experts)->Enqueue({1, kRows, input.As<Bf16>(), device_ids.As<int32_t>()}, stream.get(), &outputs).ok());
}

INSTANTIATE_TEST_SUITE_P(All, DeviceExpertsTest, testing::ValuesIn(kCases), [](const testing::TestParamInfo<Case>& info) {
  return std::string(NameOf(info.param.stored)) + "as" + std::string(NameOf(info.param.compute));
});

}  // namespace
}  // namespace baleen
