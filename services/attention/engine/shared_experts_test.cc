#include "services/attention/engine/shared_experts.h"

#include <atomic>
#include <thread>
#include <vector>

#include "gtest/gtest.h"

namespace baleen {
namespace {

constexpr int kRanks = 3;
constexpr int64_t kRows = 2;
constexpr int kTopK = 2;

// Every output of a batch is one byte of its own memory, its layer, which goes with the pending call.
class Experts final : public ExpertBackend {
 public:
  explicit Experts(int fail_layer = -1) : fail_layer_(fail_layer) {}

  std::unique_ptr<PendingExperts> Dispatch(const ExpertBatch& batch) override {
    ++dispatched;
    return std::make_unique<Pending>(batch, batch.layer == fail_layer_);
  }

  std::atomic<int> dispatched = 0;

 private:
  class Pending final : public PendingExperts {
   public:
    Pending(const ExpertBatch& batch, bool fail) : batch_(batch), fail_(fail), bytes_(kRows * kTopK) {}
    ~Pending() override { std::fill(bytes_.begin(), bytes_.end(), std::byte{0xee}); }
    absl::Status Wait() override {
      if (fail_) return absl::UnavailableError("no replica");
      for (size_t i = 0; i < bytes_.size(); ++i) {
        bytes_[i] = static_cast<std::byte>(batch_.layer);
        batch_.outputs[i] = &bytes_[i];
      }
      return absl::OkStatus();
    }

   private:
    const ExpertBatch batch_;
    const bool fail_;
    std::vector<std::byte> bytes_;
  };

  const int fail_layer_;
};

// One rank's layers 1 .. `layers` until one fails; what it read must be the layer's.
absl::Status RunLayers(ExpertBackend& experts, int layers) {
  for (int layer = 1; layer <= layers; ++layer) {
    std::vector<const std::byte*> outputs(kRows * kTopK);
    ExpertBatch batch;
    batch.layer = layer;
    batch.rows = kRows;
    batch.top_k = kTopK;
    batch.outputs = outputs.data();
    const std::unique_ptr<PendingExperts> pending = experts.Dispatch(batch);
    if (absl::Status status = pending->Wait(); !status.ok()) return status;
    for (const std::byte* const output : outputs) EXPECT_EQ(*output, static_cast<std::byte>(layer));
  }
  return absl::OkStatus();
}

std::vector<absl::Status> RunRanks(SharedExperts& shared, int layers) {
  std::vector<absl::Status> outcomes(kRanks);
  std::vector<std::thread> threads;
  for (int rank = 0; rank < kRanks; ++rank) {
    threads.emplace_back([&, rank] { outcomes[static_cast<size_t>(rank)] = RunLayers(shared.Of(rank), layers); });
  }
  for (std::thread& thread : threads) thread.join();
  return outcomes;
}

TEST(SharedExpertsTest, AllRanksGetTheOutputsOfOneExchange) {
  SharedExperts shared(kRanks);
  for (int step = 1; step <= 20; ++step) {
    Experts experts;
    shared.Begin(&experts);
    for (const absl::Status& outcome : RunRanks(shared, step)) EXPECT_TRUE(outcome.ok()) << outcome;
    EXPECT_EQ(experts.dispatched, step);
    EXPECT_FALSE(shared.failed());
  }
}

TEST(SharedExpertsTest, AllRanksGetTheSameErrorAndTheNextStepIsFine) {
  SharedExperts shared(kRanks);
  Experts failing(3);
  shared.Begin(&failing);
  for (const absl::Status& outcome : RunRanks(shared, 5)) EXPECT_EQ(outcome, absl::UnavailableError("no replica"));
  EXPECT_EQ(failing.dispatched, 3);
  EXPECT_TRUE(shared.failed());
  Experts experts;
  shared.Begin(&experts);
  EXPECT_FALSE(shared.failed());
  for (const absl::Status& outcome : RunRanks(shared, 5)) EXPECT_TRUE(outcome.ok()) << outcome;
}

TEST(SharedExpertsTest, NobodyWaitsForARankThatFailedAlone) {
  const absl::Status cause = absl::InternalError("GPU 2 fell off the bus");
  SharedExperts shared(kRanks);
  Experts experts;
  shared.Begin(&experts);
  absl::Status other;
  std::thread first([&] { (void)RunLayers(shared.Of(0), 2); });
  std::thread second([&] { other = RunLayers(shared.Of(1), 2); });
  shared.Abort(cause);
  first.join();
  second.join();
  EXPECT_EQ(other, cause);
}

}  // namespace
}  // namespace baleen
