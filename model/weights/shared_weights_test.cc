#include "model/weights/shared_weights.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include <csignal>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <string>
#include <thread>
#include <vector>

#include "gtest/gtest.h"
#include "model/weights/expert_weights.h"
#include "tests/invariance/tiny_checkpoint.h"

namespace baleen {
namespace {

constexpr Numerics kNumerics = {DType::kBf16, Isa::kReference};
const std::vector<TensorDigestEntry> kDigests = {{"model.a b", 1}, {"c", ~uint64_t{0}}};
constexpr size_t kSizes[] = {100, 5000, size_t{70} << 20, 64};  // The third one needs a mapping of its own.

class SharedWeightsTest : public testing::Test {
 protected:
  void SetUp() override {
    model_ = WriteTinyCheckpoint("shared_weights", {});
    auto config = ModelConfig::Load(model_);
    ASSERT_TRUE(config.ok()) << config.status();
    config_ = *config;
    directory_ = testing::TempDir() + "shared_weights_panels";
    std::filesystem::remove_all(directory_);
    checkpoint_ = OpenCheckpoint();
    shared_ = OpenShared(kNumerics);
  }

  std::unique_ptr<Checkpoint> OpenCheckpoint() const {
    auto checkpoint = Checkpoint::Open(model_);
    EXPECT_TRUE(checkpoint.ok()) << checkpoint.status();
    return *std::move(checkpoint);
  }
  std::unique_ptr<SharedWeights> OpenShared(const Numerics& numerics) const {
    auto shared = SharedWeights::Open(directory_, *checkpoint_, numerics);
    EXPECT_TRUE(shared.ok()) << shared.status();
    return *std::move(shared);
  }
  std::vector<std::string> Files() const {
    std::vector<std::string> files;
    for (const auto& entry : std::filesystem::directory_iterator(directory_)) files.push_back(entry.path());
    return files;
  }

  std::string model_;
  std::string directory_;
  ModelConfig config_;
  std::unique_ptr<Checkpoint> checkpoint_;
  std::unique_ptr<SharedWeights> shared_;
};

// Takes of kSizes, each filled with its number where it is new.
std::vector<PanelMemory> TakeAll(WeightUnit& unit) {
  std::vector<PanelMemory> taken;
  for (const size_t size : kSizes) {
    taken.push_back(unit.Take(size));
    if (!taken.back().filled) std::memset(taken.back().data, static_cast<int>(taken.size()), size);
  }
  return taken;
}

void ExpectNumbers(const std::vector<PanelMemory>& taken) {
  for (size_t i = 0; i < taken.size(); ++i) {
    const auto* bytes = static_cast<const unsigned char*>(taken[i].data);
    EXPECT_EQ(reinterpret_cast<uintptr_t>(bytes) % 64, 0u);
    EXPECT_EQ(bytes[0], i + 1);
    EXPECT_EQ(bytes[kSizes[i] - 1], i + 1);
  }
}

TEST_F(SharedWeightsTest, WhatOneFillsOthersMap) {
  std::vector<PanelMemory> first;
  {
    const auto unit = shared_->OpenUnit("layer-0");
    first = TakeAll(*unit);
    for (const PanelMemory& memory : first) EXPECT_FALSE(memory.filled);
    unit->Seal(kDigests);
  }
  const auto other = OpenShared(kNumerics)->OpenUnit("layer-0");
  const std::vector<PanelMemory> second = TakeAll(*other);
  for (const PanelMemory& memory : second) EXPECT_TRUE(memory.filled);
  ExpectNumbers(second);
  ASSERT_NE(other->SealedDigests(), nullptr);
  ASSERT_EQ(other->SealedDigests()->size(), 2u);
  EXPECT_EQ(other->SealedDigests()->at(0).name, "model.a b");
  EXPECT_EQ(other->SealedDigests()->at(1).digest, ~uint64_t{0});
  // What is mapped stays though its file goes.
  std::filesystem::remove_all(directory_);
  ExpectNumbers(first);
  ExpectNumbers(second);
  EXPECT_DEATH(std::memset(first[1].data, 7, 1), "");
  EXPECT_DEATH(std::memset(second[1].data, 7, 1), "");
}

// Where the file does not give one take, the next one's place is not known: it must not be what was meant for another.
TEST_F(SharedWeightsTest, AfterATakeThatIsNotThereNoneAreFilled) {
  {
    const auto unit = shared_->OpenUnit("layer-0");
    TakeAll(*unit);
    unit->Seal(kDigests);
  }
  const auto other = OpenShared(kNumerics)->OpenUnit("layer-0");
  EXPECT_TRUE(other->Take(kSizes[0]).filled);
  for (const size_t size : {size_t{200} << 20, kSizes[1]}) {
    const PanelMemory memory = other->Take(size);
    EXPECT_FALSE(memory.filled);
    EXPECT_EQ(static_cast<char*>(memory.data)[0], 0);
    std::memset(memory.data, 1, 1);
  }
}

TEST_F(SharedWeightsTest, OthersWaitForWhoFills) {
  auto unit = shared_->OpenUnit("layer-0");
  TakeAll(*unit);
  std::vector<PanelMemory> second;
  std::thread waiter([&] { second = TakeAll(*OpenShared(kNumerics)->OpenUnit("layer-0")); });
  unit->Seal(kDigests);
  unit.reset();
  waiter.join();
  for (const PanelMemory& memory : second) EXPECT_TRUE(memory.filled);
  ExpectNumbers(second);
  EXPECT_EQ(Files().size(), 1u);
}

TEST_F(SharedWeightsTest, WhatIsNotSealedIsNotShared) {
  const std::vector<PanelMemory> given_up = TakeAll(*shared_->OpenUnit("layer-0"));
  EXPECT_TRUE(Files().empty());
  const auto unit = shared_->OpenUnit("layer-0");
  const PanelMemory again = unit->Take(kSizes[0]);
  EXPECT_FALSE(again.filled);
  EXPECT_EQ(static_cast<const char*>(again.data)[0], 0);
  ExpectNumbers(given_up);
}

TEST_F(SharedWeightsTest, WhatADeadProcessLeftIsFilledAnew) {
  {
    const auto unit = shared_->OpenUnit("layer-0");
    TakeAll(*unit);
    unit->Seal(kDigests);
  }
  ASSERT_EQ(Files().size(), 1u);
  const std::string path = Files()[0];
  std::filesystem::rename(path, path + ".partial");
  const auto unit = shared_->OpenUnit("layer-0");
  const PanelMemory memory = unit->Take(kSizes[0]);
  EXPECT_FALSE(memory.filled);
  EXPECT_EQ(static_cast<const char*>(memory.data)[0], 0);
  unit->Seal(kDigests);
  EXPECT_EQ(Files(), std::vector<std::string>{path});
}

TEST_F(SharedWeightsTest, OtherWeightsAreNotTaken) {
  const auto fill = [this](const Numerics& numerics) {
    const auto unit = OpenShared(numerics)->OpenUnit("layer-0");
    const bool filled = unit->Take(64).filled;
    unit->Seal(kDigests);
    return filled;
  };
  EXPECT_FALSE(fill(kNumerics));
  EXPECT_TRUE(fill(kNumerics));
  EXPECT_FALSE(fill({DType::kI8, Isa::kReference}));
  // Written once more, though with the same bytes.
  std::filesystem::copy_file(model_ + "/model.safetensors", model_ + "/copy");
  std::filesystem::rename(model_ + "/copy", model_ + "/model.safetensors");
  checkpoint_ = OpenCheckpoint();
  EXPECT_FALSE(fill(kNumerics));
}

// The process goes on with memory of its own.
TEST_F(SharedWeightsTest, AFullDiskCostsOnlyTheSharing) {
  rlimit before = {};
  ASSERT_EQ(getrlimit(RLIMIT_FSIZE, &before), 0);
  const rlimit small = {1 << 20, before.rlim_max};
  const auto handler = std::signal(SIGXFSZ, SIG_IGN);
  ASSERT_EQ(setrlimit(RLIMIT_FSIZE, &small), 0);
  std::vector<PanelMemory> taken;
  {
    const auto unit = shared_->OpenUnit("layer-0");
    taken = TakeAll(*unit);
    unit->Seal(kDigests);
  }
  ASSERT_EQ(setrlimit(RLIMIT_FSIZE, &before), 0);
  std::signal(SIGXFSZ, handler);
  ExpectNumbers(taken);
  EXPECT_TRUE(Files().empty());
}

TEST_F(SharedWeightsTest, OnlyOnesOwnDirectory) {
  ASSERT_EQ(chmod(directory_.c_str(), 0770), 0);
  const absl::Status open_to_others = SharedWeights::Open(directory_, *checkpoint_, kNumerics).status();
  EXPECT_EQ(open_to_others.code(), absl::StatusCode::kFailedPrecondition);
  EXPECT_NE(open_to_others.message().find("this user alone"), absl::string_view::npos) << open_to_others;
  const absl::Status nowhere = SharedWeights::Open(directory_ + "/no/such", *checkpoint_, kNumerics).status();
  EXPECT_EQ(nowhere.code(), absl::StatusCode::kFailedPrecondition);
  EXPECT_NE(nowhere.message().find("cannot be made"), absl::string_view::npos) << nowhere;
}

// Experts compute the same from shared panels; the second load takes them from the file, which shows when the file is changed.
TEST_F(SharedWeightsTest, ExpertsComputeTheSame) {
  const std::vector<float> x(config_.hidden_size, 0.5f);
  const auto apply = [&](SharedWeights* shared) {
    const auto weights = ExpertWeights::Load(*checkpoint_, config_, {{1, 0}}, kNumerics, nullptr, shared);
    EXPECT_TRUE(weights.ok()) << weights.status();
    std::vector<float> y(config_.hidden_size);
    (*weights)->Apply({1, 0}, x.data(), 1, y.data(), nullptr);
    return y;
  };
  const std::vector<float> alone = apply(nullptr);
  EXPECT_EQ(apply(shared_.get()), alone);
  const std::vector<TensorDigestEntry> digests = checkpoint_->Digests();
  checkpoint_ = OpenCheckpoint();
  EXPECT_EQ(apply(shared_.get()), alone);
  ASSERT_EQ(checkpoint_->Digests().size(), digests.size());
  for (size_t i = 0; i < digests.size(); ++i) EXPECT_EQ(checkpoint_->Digests()[i].digest, digests[i].digest);
  ASSERT_EQ(Files().size(), 1u);
  std::fstream file(Files()[0], std::ios::in | std::ios::out | std::ios::binary);
  file.seekp(4096);
  file << std::string(static_cast<size_t>(config_.hidden_size), '\0');
  file.close();
  EXPECT_NE(apply(shared_.get()), alone);
}

}  // namespace
}  // namespace baleen
