// Against the shipped checkpoint's shape; what is loaded is made up.
#include "services/expert/expert_holder.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cstdint>
#include <memory>
#include <set>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/synchronization/notification.h"
#include "base/clock.h"
#include "model/checkpoint/checkpoint.h"
#include "model/config/model_config.h"
#include "proto/baleen/v1/placement.pb.h"
#include "services/expert/expert_service.h"
#include "services/expert/held_experts.h"
#include "services/expert/load_loop.h"

namespace baleen {
namespace {

constexpr char kModel[] = "checkpoints/abacus";

class NamedExperts final : public HeldExperts {
 public:
  explicit NamedExperts(const std::vector<ExpertId>& ids) : ids_(ids.begin(), ids.end()) {}
  size_t size() const override { return ids_.size(); }
  bool Has(int layer, uint32_t expert) const override { return ids_.contains({layer, static_cast<int>(expert)}); }
  absl::Status Compute(int /*layer*/, absl::Span<const ExpertSlot> /*slots*/) const override { return absl::OkStatus(); }

 private:
  const std::set<ExpertId> ids_;
};

// Fails to load these experts, of any layer, the first `failures` times that one is asked for.
class FailingLoader final : public ExpertLoader {
 public:
  FailingLoader(std::set<int> experts, int failures) : experts_(std::move(experts)), failures_(failures) {}
  absl::StatusOr<std::shared_ptr<const HeldExperts>> Load(const std::vector<ExpertId>& experts) override {
    const bool fails = std::any_of(experts.begin(), experts.end(), [this](ExpertId id) { return experts_.contains(id.expert); });
    if (fails && failures_-- > 0) return absl::ResourceExhaustedError("no room now");
    return std::make_shared<NamedExperts>(experts);
  }

 private:
  const std::set<int> experts_;
  int failures_;
};

class ExpertHolderTest : public ::testing::Test {
 protected:
  void SetUp() override {
    auto config = ModelConfig::Load(kModel);
    ASSERT_TRUE(config.ok()) << config.status();
    config_ = *std::move(config);
    auto checkpoint = Checkpoint::Open(kModel);
    ASSERT_TRUE(checkpoint.ok()) << checkpoint.status();
    checkpoint_ = *std::move(checkpoint);
    service_ = std::make_unique<ExpertService>(ExpertServiceOptions(), Clock::Real(), nullptr);
    layer_ = static_cast<uint32_t>(config_.first_k_dense_replace);
  }

  std::unique_ptr<ExpertHolder> Holder(ExpertLoader* loader) {
    return std::make_unique<ExpertHolder>(checkpoint_.get(), &config_, loader, service_.get());
  }

  std::vector<v1::ExpertRange> Ranges(const std::vector<uint32_t>& experts) const {
    std::vector<v1::ExpertRange> ranges(1);
    ranges[0].set_layer(layer_);
    ranges[0].mutable_experts()->Add(experts.begin(), experts.end());
    return ranges;
  }

  // Of layer_, as it is reported.
  std::vector<uint32_t> Loaded(ExpertHolder& holder) const {
    v1::HeartbeatRequest heartbeat;
    holder.Report(&heartbeat);
    std::vector<uint32_t> experts;
    for (const v1::ExpertRange& range : heartbeat.loaded()) {
      EXPECT_EQ(range.layer(), layer_);
      experts.insert(experts.end(), range.experts().begin(), range.experts().end());
    }
    return experts;
  }

  ModelConfig config_;
  std::unique_ptr<Checkpoint> checkpoint_;
  std::unique_ptr<ExpertService> service_;
  uint32_t layer_ = 0;
};

TEST_F(ExpertHolderTest, WhatFailedOnceIsLoadedByTheLoop) {
  FailingLoader loader({3}, /*failures=*/2);  // That of both experts, and then that of this one alone.
  const auto holder = Holder(&loader);
  absl::Notification loaded;
  LoadLoopOptions options;
  options.load = [&](const std::vector<v1::ExpertRange>& ranges) { return holder->Assign(ranges); };
  options.on_tried = [&] {
    if (holder->Ready().ok()) loaded.Notify();
  };
  options.first_pause = absl::Milliseconds(1);
  LoadLoop loop(std::move(options));
  loop.Assign(Ranges({1, 3}));
  loaded.WaitForNotification();
  EXPECT_EQ(Loaded(*holder), (std::vector<uint32_t>{1, 3}));
}

TEST_F(ExpertHolderTest, SaysWhatFailedUntilItIsLoaded) {
  FailingLoader loader({1}, /*failures=*/1);
  const auto holder = Holder(&loader);
  EXPECT_EQ(holder->Ready().code(), absl::StatusCode::kUnavailable);
  EXPECT_EQ(holder->Assign(Ranges({1})).code(), absl::StatusCode::kResourceExhausted);
  EXPECT_EQ(holder->Ready().code(), absl::StatusCode::kResourceExhausted);
  EXPECT_TRUE(Loaded(*holder).empty());
  EXPECT_TRUE(holder->Assign(Ranges({1})).ok());
  EXPECT_TRUE(holder->Ready().ok());
}

TEST_F(ExpertHolderTest, OthersAreHeldWhileSomeCannotBeLoaded) {
  FailingLoader loader({2, 5}, /*failures=*/1000);
  const auto holder = Holder(&loader);
  ASSERT_TRUE(holder->Assign(Ranges({0, 1})).ok());
  const absl::Status status = holder->Assign(Ranges({1, 2, 3, 4, 5, 6, 7}));
  EXPECT_NE(status.message().find(absl::StrCat("layer ", layer_, " expert 2: no room now")), absl::string_view::npos) << status;
  EXPECT_EQ(holder->Ready(), status);
  EXPECT_EQ(Loaded(*holder), (std::vector<uint32_t>{1, 3, 4, 6, 7}));
}

TEST_F(ExpertHolderTest, WhatIsAssignedNoMoreGoesThoughNothingCanBeLoaded) {
  FailingLoader loader({2, 5}, /*failures=*/1000);
  const auto holder = Holder(&loader);
  ASSERT_TRUE(holder->Assign(Ranges({0, 1})).ok());
  EXPECT_FALSE(holder->Assign(Ranges({1, 2, 5})).ok());
  EXPECT_EQ(Loaded(*holder), (std::vector<uint32_t>{1}));
}

TEST_F(ExpertHolderTest, DigestsAreReportedOnceALoad) {
  FailingLoader loader({}, /*failures=*/0);
  const auto holder = Holder(&loader);
  const auto digests = [&] {
    v1::HeartbeatRequest heartbeat;
    holder->Report(&heartbeat);
    EXPECT_EQ(heartbeat.loaded_size(), 1);
    return heartbeat.digests_size();
  };
  const std::string name = "model.norm.weight";
  ASSERT_TRUE(checkpoint_->GetVector(name, config_.hidden_size).ok());
  ASSERT_TRUE(holder->Assign(Ranges({1})).ok());
  EXPECT_EQ(digests(), 1);
  EXPECT_EQ(digests(), 0);
  ASSERT_TRUE(holder->Assign(Ranges({1, 2})).ok());
  EXPECT_EQ(digests(), 1);
}

// Makes experts that say which thread frees them, and keeps the last, as a computation does.
class KeepingLoader final : public ExpertLoader {
 public:
  absl::StatusOr<std::shared_ptr<const HeldExperts>> Load(const std::vector<ExpertId>& experts) override {
    last.reset(new NamedExperts(experts), [this](const HeldExperts* held) {
      freed_by = std::this_thread::get_id();
      delete held;
    });
    return last;
  }
  std::shared_ptr<const HeldExperts> last;
  std::thread::id freed_by;
};

TEST_F(ExpertHolderTest, WhatIsHeldNoMoreIsFreedByWhoLoads) {
  KeepingLoader loader;
  const auto holder = Holder(&loader);
  ASSERT_TRUE(holder->Assign(Ranges({0, 1})).ok());
  std::thread computation([held = std::exchange(loader.last, nullptr)]() mutable {
    Clock::Real()->Sleep(absl::Milliseconds(50));
    held = nullptr;
  });
  ASSERT_TRUE(holder->Assign(Ranges({1})).ok());
  EXPECT_EQ(loader.freed_by, std::this_thread::get_id());
  computation.join();
  service_->SetExperts(nullptr);
}

TEST_F(ExpertHolderTest, ExpertsThatTheModelLacksAreRefused) {
  FailingLoader loader({}, /*failures=*/0);
  const auto holder = Holder(&loader);
  ASSERT_TRUE(holder->Assign(Ranges({1})).ok());
  const absl::Status status = holder->Assign(Ranges({static_cast<uint32_t>(config_.n_routed_experts)}));
  EXPECT_EQ(status.code(), absl::StatusCode::kInvalidArgument);
  EXPECT_EQ(holder->Ready(), status);
  EXPECT_EQ(Loaded(*holder), (std::vector<uint32_t>{1}));
}

}  // namespace
}  // namespace baleen
