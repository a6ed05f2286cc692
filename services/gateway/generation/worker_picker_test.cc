#include "services/gateway/generation/worker_picker.h"

#include <numeric>

#include "gtest/gtest.h"

namespace baleen {
namespace {

class FakeClock final : public Clock {
 public:
  absl::Time Now() override { return now; }
  void Sleep(absl::Duration duration) override { now += duration; }
  absl::Time now = absl::FromUnixSeconds(1000);
};

std::shared_ptr<v1::ClusterMap> MapOf(const std::vector<std::pair<std::string, uint32_t>>& workers) {
  auto map = std::make_shared<v1::ClusterMap>();
  for (const auto& [id, running] : workers) {
    v1::Worker* worker = map->add_workers();
    worker->mutable_info()->set_worker_id(id);
    worker->mutable_info()->set_role(v1::ROLE_DECODE);
    worker->set_running(running);
    worker->set_ready(true);
  }
  return map;
}

std::vector<int32_t> Tokens(int32_t first, size_t count) {
  std::vector<int32_t> tokens(count);
  std::iota(tokens.begin(), tokens.end(), first);
  return tokens;
}

class WorkerPickerTest : public testing::Test {
 protected:
  // Of a sequence that is over at once.
  std::string Pick(const std::vector<int32_t>& prompt, const std::string& salt = "") {
    return picker_.Pick({}, "", {.salt = salt, .tokens = prompt})->worker_id;
  }
  // Opens so many sequences, and says where.
  std::string Open(int count) {
    std::string at;
    for (int i = 0; i < count; ++i) {
      PickedWorker worker = *picker_.Pick({}, "");
      at += worker.worker_id;
      open_[worker.worker_id].push_back(std::move(worker.open));
    }
    return at;
  }

  FakeClock clock_;
  WorkerPicker picker_{&clock_};
  std::map<std::string, std::vector<std::shared_ptr<const void>>> open_;
};

TEST_F(WorkerPickerTest, PrefersTheLeastLoadedAndAvoidsOnlyWhileItCan) {
  EXPECT_FALSE(picker_.Pick({}, "").has_value());
  const auto map = MapOf({{"a", 2}, {"b", 0}, {"c", 0}});
  map->mutable_workers(2)->mutable_info()->set_role(v1::ROLE_PREFILL);
  picker_.UpdateMap(map);
  EXPECT_EQ(picker_.Pick({}, "")->worker_id, "b");
  EXPECT_EQ(picker_.Pick({"b"}, "")->worker_id, "a");
  EXPECT_EQ(picker_.Pick({"a", "b"}, "")->worker_id, "b");
  EXPECT_FALSE(picker_.Pick({}, "other").has_value());
}

TEST_F(WorkerPickerTest, CountsWhatIsOpenWhateverAnOldMapSaysOfIt) {
  picker_.UpdateMap(MapOf({{"a", 0}, {"b", 0}}));
  EXPECT_EQ(Open(6), "ababab");
  picker_.UpdateMap(MapOf({{"a", 0}, {"b", 0}}));  // From before.
  EXPECT_EQ(Open(2), "ab");
  open_["a"].clear();
  picker_.UpdateMap(MapOf({{"a", 4}, {"b", 4}}));  // From when all were open.
  EXPECT_EQ(Open(5), "aaaab");
}

TEST_F(WorkerPickerTest, CountsWhatOthersOpenedByTheMap) {
  picker_.UpdateMap(MapOf({{"a", 5}, {"b", 0}}));
  EXPECT_EQ(Open(6), "bbbbba");
  clock_.now += absl::Milliseconds(500);
  picker_.UpdateMap(MapOf({{"a", 6}, {"b", 8}}));
  EXPECT_EQ(Open(3), "aab");
}

TEST_F(WorkerPickerTest, WhatTheMapStillHasLongAfterwardsIsOfOthers) {
  picker_.UpdateMap(MapOf({{"a", 0}, {"b", 0}}));
  EXPECT_EQ(Open(4), "abab");
  open_.clear();
  picker_.UpdateMap(MapOf({{"a", 2}, {"b", 0}}));
  EXPECT_EQ(Open(2), "ab");
  open_.clear();
  clock_.now += 2 * OpenSequences::kLookBack;
  picker_.UpdateMap(MapOf({{"a", 2}, {"b", 0}}));
  EXPECT_EQ(Open(2), "bb");
}

TEST_F(WorkerPickerTest, WhatGoesOnGoesToItsStandbyWhateverTheLoad) {
  const auto map = MapOf({{"a", 0}, {"b", 40}, {"c", 40}, {"d", 0}});
  picker_.UpdateMap(map);
  std::set<std::string> standbys;
  for (uint32_t choice = 0; choice < 20; ++choice) {
    const StandbyKey left = {.request_id = "r", .choice = choice, .worker_id = "a", .numerics_id = ""};
    const std::string standby = StandbyOf(*map, left)->info().worker_id();
    EXPECT_EQ(picker_.Pick({"a"}, "", {}, &left)->worker_id, standby);
    EXPECT_NE(picker_.Pick({"a", standby}, "", {}, &left)->worker_id, standby);
    standbys.insert(standby);
  }
  EXPECT_EQ(standbys, (std::set<std::string>{"b", "c", "d"}));
}

TEST_F(WorkerPickerTest, KnowsSinceWhenNoneIsReady) {
  EXPECT_EQ(picker_.NoneReadySince(), clock_.now);
  picker_.UpdateMap(MapOf({{"a", 0}}));
  EXPECT_EQ(picker_.NoneReadySince(), absl::InfiniteFuture());
  clock_.now += absl::Seconds(1);
  const absl::Time lost = clock_.now;
  for (int i = 0; i < 2; ++i) {
    picker_.UpdateMap(MapOf({}));
    EXPECT_EQ(picker_.NoneReadySince(), lost);
    clock_.now += absl::Seconds(1);
  }
  picker_.UpdateMap(MapOf({{"a", 0}}));
  EXPECT_EQ(picker_.NoneReadySince(), absl::InfiniteFuture());
}

TEST_F(WorkerPickerTest, AConversationStaysWhereItsPrefixIs) {
  picker_.UpdateMap(MapOf({{"a", 0}, {"b", 0}}));
  const std::vector<int32_t> first = Tokens(0, 1000);
  const std::vector<int32_t> second = Tokens(5000, 1000);
  EXPECT_EQ(Pick(first), "a");
  EXPECT_EQ(Pick(second), "b");
  EXPECT_EQ(Pick(Tokens(5000, 1300)), "b");
  EXPECT_EQ(Pick(Tokens(0, 1300)), "a");
  EXPECT_EQ(Pick(Tokens(0, 1600)), "a");
}

TEST_F(WorkerPickerTest, OneAfterTheOtherTakesTurns) {
  for (int i = 0; i < 3; ++i) {
    picker_.UpdateMap(MapOf({{"a", 0}, {"b", 0}}));
    EXPECT_EQ(Pick({}), "a");
    EXPECT_EQ(Pick({}), "b");
  }
}

TEST_F(WorkerPickerTest, SaltsDoNotShare) {
  picker_.UpdateMap(MapOf({{"a", 0}, {"b", 0}}));
  EXPECT_EQ(Pick(Tokens(0, 1000), "x"), "a");
  EXPECT_EQ(Pick(Tokens(0, 1000), "y"), "b");
}

TEST_F(WorkerPickerTest, LoadOutweighsAPrefix) {
  picker_.UpdateMap(MapOf({{"a", 0}, {"b", 0}}));
  EXPECT_EQ(Pick(Tokens(0, 640)), "a");
  picker_.UpdateMap(MapOf({{"a", 20}, {"b", 0}}));
  EXPECT_EQ(Pick(Tokens(0, 640)), "b");
}

TEST_F(WorkerPickerTest, WhatWasGeneratedCountsToo) {
  picker_.UpdateMap(MapOf({{"a", 1}, {"b", 0}}));
  picker_.Remember("a", {.salt = "", .tokens = Tokens(0, 1000)});
  EXPECT_EQ(Pick(Tokens(0, 1000)), "a");
}

TEST_F(WorkerPickerTest, OldGuessesAreForgotten) {
  picker_.UpdateMap(MapOf({{"a", 1}, {"b", 0}}));
  picker_.Remember("a", {.salt = "", .tokens = Tokens(0, 1000)});
  clock_.now += WorkerPicker::kMaxPrefixAge + absl::Seconds(1);
  EXPECT_EQ(Pick(Tokens(0, 1000)), "b");
}

TEST(PrefixAffinityTest, IsBoundedAndForgetsTheOldestFirst) {
  PrefixAffinity affinity(4, absl::Hours(1));
  const absl::Time now = absl::FromUnixSeconds(1000);
  const std::vector<uint64_t> old = PrefixAffinity::NameBlocks("", Tokens(0, 128));
  const std::vector<uint64_t> young = PrefixAffinity::NameBlocks("", Tokens(7, 192));
  affinity.Remember("a", old, now);
  EXPECT_EQ(affinity.CachedTokens("a", old, now), 128);
  EXPECT_EQ(affinity.CachedTokens("b", old, now), 0);
  affinity.Remember("a", young, now);
  EXPECT_EQ(affinity.CachedTokens("a", young, now), 192);
  EXPECT_EQ(affinity.CachedTokens("a", old, now), 0);
}

}  // namespace
}  // namespace baleen
