#include "services/placement/cluster_state.h"

#include <gtest/gtest.h>

#include <map>
#include <random>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"

namespace baleen {
namespace {

constexpr ModelShape kShape{.first_moe_layer = 1, .moe_layers = 2, .experts = 8};
const absl::Time kStart = absl::FromUnixSeconds(1000);

WorkerDescription Shard(const std::string& id) {
  return {
      .id = id, .role = WorkerRole::kExpert, .address = "a:1", .numerics_id = "n", .model_id = "m", .failure_domain = "", .shape = kShape};
}

WorkerReport ReadyWith(std::vector<LayerExperts> loaded) {
  WorkerReport report;
  report.ready = true;
  report.loaded = std::move(loaded);
  return report;
}

MappedWorker Find(const ClusterState& state, const std::string& id) {
  for (const MappedWorker& worker : state.Map()) {
    if (worker.description.id == id) return worker;
  }
  return {};
}

TEST(ClusterStateTest, AShardIsMappedWithWhatItReportedLoaded) {
  ClusterState state({.assignment = {.expected_shards = 2}});
  ASSERT_TRUE(state.Register(Shard("s0"), 0, {}, kStart).ok());
  EXPECT_EQ(CountExperts(state.assignments().Assigned("s0")), 8u);
  EXPECT_TRUE(Find(state, "s0").experts.empty());
  EXPECT_FALSE(Find(state, "s0").ready);
  const uint64_t before = state.epoch();
  ASSERT_TRUE(state.Report("s0", ReadyWith(state.assignments().Assigned("s0")), kStart).ok());
  EXPECT_EQ(Find(state, "s0").experts, state.assignments().Assigned("s0"));
  EXPECT_TRUE(Find(state, "s0").ready);
  EXPECT_GT(state.epoch(), before);
}

TEST(ClusterStateTest, TheExpertsOfTheGoneGoToTheLiving) {
  ClusterState state({.assignment = {.expected_shards = 2}});
  for (const char* id : {"s0", "s1"}) ASSERT_TRUE(state.Register(Shard(id), 0, {}, kStart).ok());
  EXPECT_TRUE(state.Remove("s0", kStart));
  EXPECT_FALSE(state.Remove("s0", kStart));
  state.Tick(kStart);
  EXPECT_EQ(CountExperts(state.assignments().Assigned("s1")), 16u);
}

TEST(ClusterStateTest, WhatAWorkerLastSaidOfItsWorkIsKept) {
  ClusterState state({.assignment = {.expected_shards = 1}});
  ASSERT_TRUE(state.Register(Shard("s0"), 0, {}, kStart).ok());
  WorkerReport report;
  report.rows = {{1, {3}, {40}}};
  report.attention.generated_tokens = 5;
  ASSERT_TRUE(state.Report("s0", report, kStart).ok());
  const std::vector<ObservedWorker> observed = state.Observe(kStart + absl::Seconds(1));
  ASSERT_EQ(observed.size(), 1u);
  EXPECT_EQ(observed[0].id, "s0");
  EXPECT_EQ(observed[0].silent, absl::Seconds(1));
  EXPECT_EQ(observed[0].rows.at(0).rows, std::vector<uint64_t>{40});
  EXPECT_EQ(observed[0].attention.generated_tokens, 5u);
  state.Remove("s0", kStart);
  EXPECT_TRUE(state.Observe(kStart).empty());
}

TEST(ClusterStateTest, AnIdBelongsToTheCertificateThatRegisteredItWhileItIsThere) {
  ClusterState state({.assignment = {.expected_shards = 1}});
  WorkerDescription mine = Shard("s0");
  mine.owner = "spiffe://baleen/expert/a";
  ASSERT_TRUE(state.Register(mine, 0, {}, kStart).ok());
  WorkerDescription theirs = Shard("s0");
  theirs.owner = "spiffe://baleen/expert/b";
  theirs.address = "10.0.0.1:1";
  EXPECT_EQ(state.Register(theirs, 0, {}, kStart).code(), absl::StatusCode::kPermissionDenied);
  EXPECT_EQ(Find(state, "s0").description.address, mine.address);
  EXPECT_EQ(state.CheckOwner("s0", theirs.owner).code(), absl::StatusCode::kPermissionDenied);
  EXPECT_EQ(state.CheckOwner("s0", "").code(), absl::StatusCode::kPermissionDenied);
  EXPECT_TRUE(state.CheckOwner("s0", mine.owner).ok());
  EXPECT_TRUE(state.Register(mine, 0, {}, kStart).ok());
  state.Remove("s0", kStart);
  EXPECT_TRUE(state.Register(theirs, 0, {}, kStart).ok());
}

TEST(ClusterStateTest, AWorkerIsToldToDrainUntilItIsGone) {
  ClusterState state({.assignment = {.expected_shards = 2}});
  for (const char* id : {"s0", "s1"}) ASSERT_TRUE(state.Register(Shard(id), 0, {}, kStart).ok());
  EXPECT_TRUE(absl::IsNotFound(state.Drain("s2")));
  EXPECT_FALSE(state.IsDrainWanted("s0"));
  ASSERT_TRUE(state.Drain("s0").ok());
  // It may lose its answer, or register again.
  ASSERT_TRUE(state.Report("s0", {}, kStart).ok());
  ASSERT_TRUE(state.Register(Shard("s0"), 0, {}, kStart).ok());
  EXPECT_TRUE(state.IsDrainWanted("s0"));
  EXPECT_FALSE(state.IsDrainWanted("s1"));
  EXPECT_TRUE(state.Remove("s0", kStart));
  EXPECT_FALSE(state.IsDrainWanted("s0"));
  ASSERT_TRUE(state.Register(Shard("s0"), 0, {}, kStart).ok());
  EXPECT_FALSE(state.IsDrainWanted("s0"));
}

WorkerDescription Attention(const std::string& id, WorkerRole role, const std::string& numerics_id = "n") {
  return {.id = id, .role = role, .address = "a:2", .numerics_id = numerics_id, .model_id = "m", .failure_domain = "", .shape = kShape};
}

TEST(ClusterStateTest, NoShardDrainsThatACopyOfEachExpertNeeds) {
  ClusterState state({.assignment = {.expected_shards = 3, .replicas = 2}});
  for (const char* id : {"s0", "s1", "s2"}) ASSERT_TRUE(state.Register(Shard(id), 0, {}, kStart).ok());
  ASSERT_TRUE(state.Register(Attention("p", WorkerRole::kPrefill), 0, {}, kStart).ok());
  EXPECT_TRUE(state.Drain("s0").ok());
  EXPECT_TRUE(state.Drain("s0").ok()) << "asking again does no harm";
  const absl::Status refused = state.Drain("s1");
  EXPECT_TRUE(absl::IsFailedPrecondition(refused)) << refused;
  EXPECT_EQ(refused.message(), "s1: would leave 1 expert shard, expected 2 at least (the copies of each expert); start others first");
  EXPECT_FALSE(state.IsDrainWanted("s1"));
  WorkerDescription other = Shard("other");
  other.numerics_id = "of another release";
  ASSERT_TRUE(state.Register(other, 0, {}, kStart).ok());
  EXPECT_TRUE(absl::IsFailedPrecondition(state.Drain("s1"))) << "that one's experts are of no use here";
  ASSERT_TRUE(state.Register(Shard("s3"), 0, {}, kStart).ok());
  EXPECT_TRUE(state.Drain("s1").ok());
  EXPECT_TRUE(absl::IsFailedPrecondition(state.Drain("s2")));
  state.Remove("p", kStart);
  for (const char* id : {"s2", "s3"}) EXPECT_TRUE(state.Drain(id).ok()) << "nobody sends to this release's shards any more";
}

TEST(ClusterStateTest, TheLastReadyDecodeWorkerDoesNotDrain) {
  ClusterState state({.assignment = {.expected_shards = 1}});
  ASSERT_TRUE(state.Register(Attention("p", WorkerRole::kPrefill), 0, {}, kStart).ok());
  ASSERT_TRUE(state.Register(Attention("d0", WorkerRole::kDecode), 0, {}, kStart).ok());
  ASSERT_TRUE(state.Register(Attention("d1", WorkerRole::kPrefillAndDecode), 0, {}, kStart).ok());
  for (const char* id : {"p", "d0"}) ASSERT_TRUE(state.Report(id, ReadyWith({}), kStart).ok());
  const absl::Status refused = state.Drain("d0");
  EXPECT_TRUE(absl::IsFailedPrecondition(refused)) << refused;
  EXPECT_EQ(refused.message(), "d0: no other decode worker is ready, and requests need one; start another first");
  ASSERT_TRUE(state.Report("d1", ReadyWith({}), kStart).ok());
  EXPECT_TRUE(state.Drain("d0").ok());
  EXPECT_TRUE(absl::IsFailedPrecondition(state.Drain("d1")));
  EXPECT_TRUE(state.Drain("p").ok()) << "decode workers fill prompts too";
}

TEST(ClusterStateTest, NobodyDrainsBeforeItIsKnownWhoElseIsThere) {
  ClusterState state({.assignment = {.expected_shards = 2}, .heartbeat_timeout = absl::Seconds(3)});
  state.Resume(10, {}, kStart);
  for (const char* id : {"s0", "s1"}) ASSERT_TRUE(state.Register(Shard(id), 10, {}, kStart).ok());
  EXPECT_TRUE(absl::IsUnavailable(state.Drain("s0")));
  state.Tick(kStart + absl::Seconds(3));
  EXPECT_TRUE(state.Drain("s0").ok());
}

TEST(ClusterStateTest, SilenceEndsAWorker) {
  ClusterState state({.assignment = {.expected_shards = 1, .replicas = 1}, .heartbeat_timeout = absl::Seconds(3)});
  ASSERT_TRUE(state.Register(Shard("s0"), 0, {}, kStart).ok());
  absl::Time now = kStart;
  for (int i = 0; i < 12; ++i) EXPECT_TRUE(state.Tick(now += absl::Milliseconds(250)).empty());
  const uint64_t before = state.epoch();
  EXPECT_EQ(state.Tick(now += absl::Milliseconds(250)), std::vector<std::string>{"s0"});
  EXPECT_EQ(state.epoch(), before + 1);
  EXPECT_EQ(state.Report("s0", {}, now).code(), absl::StatusCode::kNotFound);
}

TEST(ClusterStateTest, PlacementsOwnPauseIsNobodysSilence) {
  ClusterState state({.assignment = {.expected_shards = 1}});
  ASSERT_TRUE(state.Register(Shard("s0"), 0, {}, kStart).ok());
  state.Tick(kStart);
  EXPECT_TRUE(state.Tick(kStart + absl::Minutes(5)).empty());
  EXPECT_TRUE(state.Report("s0", {}, kStart + absl::Minutes(5)).ok());
}

TEST(ClusterStateTest, DisagreeingDigestIsRefusedAndNamed) {
  ClusterState state({.assignment = {.expected_shards = 2, .replicas = 2}});
  for (const char* id : {"good", "bad"}) ASSERT_TRUE(state.Register(Shard(id), 0, {}, kStart).ok());
  WorkerReport report = ReadyWith(state.assignments().Assigned("good"));
  report.digests = {{"layers.1.experts.0.up", 7}};
  ASSERT_TRUE(state.Report("good", report, kStart).ok());
  report.digests[0].digest = 8;
  const absl::Status refused = state.Report("bad", report, kStart);
  EXPECT_EQ(refused.code(), absl::StatusCode::kInvalidArgument);
  EXPECT_TRUE(absl::StrContains(refused.message(), "layers.1.experts.0.up")) << refused;
  EXPECT_TRUE(absl::StrContains(refused.message(), "good")) << refused;
  EXPECT_FALSE(Find(state, "bad").ready);
  EXPECT_TRUE(Find(state, "bad").experts.empty());
  EXPECT_TRUE(Find(state, "good").ready);
  EXPECT_FALSE(state.Report("bad", ReadyWith({}), kStart).ok()) << "a refusal stands";
  EXPECT_TRUE(state.assignments().Assigned("bad").empty());
}

TEST(ClusterStateTest, DigestsOfTheDeadAreForgotten) {
  ClusterState state({.assignment = {.expected_shards = 2}});
  for (const char* id : {"old", "new"}) ASSERT_TRUE(state.Register(Shard(id), 0, {}, kStart).ok());
  WorkerReport report;
  report.digests = {{"t", 1}};
  ASSERT_TRUE(state.Report("old", report, kStart).ok());
  state.Remove("old", kStart);
  report.digests[0].digest = 2;
  EXPECT_TRUE(state.Report("new", report, kStart).ok());
}

TEST(ClusterStateTest, AnotherModelsShardIsRefused) {
  ClusterState state({.assignment = {.expected_shards = 2}});
  ASSERT_TRUE(state.Register(Shard("s0"), 0, {}, kStart).ok());
  WorkerDescription other = Shard("s1");
  other.shape.experts = 16;
  EXPECT_EQ(state.Register(other, 0, {}, kStart).code(), absl::StatusCode::kInvalidArgument);
  state.Remove("s0", kStart);
  EXPECT_TRUE(state.Register(other, 0, {}, kStart).ok()) << "an empty cluster may change its model";
}

TEST(ClusterStateTest, MismatchedNumericsAreVisible) {
  ClusterState state({.assignment = {.expected_shards = 2}});
  ASSERT_TRUE(state.Register(Shard("s0"), 0, {}, kStart).ok());
  WorkerDescription other = Shard("s1");
  other.numerics_id = "other";
  ASSERT_TRUE(state.Register(other, 0, {}, kStart).ok());
  EXPECT_EQ(state.Mismatched(), std::vector<std::string>{"s1"});
}

TEST(ClusterStateTest, ARestartGoesOnAboveTheEpochsSeenAndWaitsForTheOthers) {
  ClusterState state({.assignment = {.expected_shards = 2, .replicas = 1}, .heartbeat_timeout = absl::Seconds(3)});
  const Holdings low{{1, {0, 1, 2, 3}}, {2, {0, 1, 2, 3}}}, high{{1, {4, 5, 6, 7}}, {2, {4, 5, 6, 7}}};
  ASSERT_TRUE(state.Register(Shard("b"), 41, high, kStart).ok());
  ASSERT_TRUE(state.Register(Shard("a"), 40, low, kStart).ok());
  EXPECT_EQ(state.assignments().Assigned("b"), high) << "what is loaded stays where it is";
  EXPECT_EQ(state.assignments().Assigned("a"), low);
  EXPECT_FALSE(state.published());
  absl::Time now = kStart;
  for (int i = 0; i < 12; ++i) {
    now += absl::Milliseconds(250);
    for (const char* id : {"a", "b"}) ASSERT_TRUE(state.Report(id, ReadyWith(state.assignments().Assigned(id)), now).ok());
    state.Tick(now);
  }
  EXPECT_TRUE(state.published());
  EXPECT_EQ(state.epoch(), 42u);
  EXPECT_EQ(state.Map().size(), 2u);
  EXPECT_EQ(state.assignments().Assigned("b"), high);
}

// Which is a new leader's first news, and says nothing of who else is there.
TEST(ClusterStateTest, AfterARestartADrainingShardStaysUntilItsExpertsAreElsewhere) {
  ClusterState state({.assignment = {.expected_shards = 2, .replicas = 1}, .heartbeat_timeout = absl::Seconds(3)});
  const Holdings all{{1, {0, 1, 2, 3, 4, 5, 6, 7}}, {2, {0, 1, 2, 3, 4, 5, 6, 7}}};
  WorkerReport leaving = ReadyWith(all);
  leaving.draining = true;
  absl::Time now = kStart;
  state.Resume(10, {}, now);
  ASSERT_TRUE(state.Register(Shard("a"), 10, all, now).ok());
  ASSERT_TRUE(state.Report("a", leaving, now).ok());
  EXPECT_FALSE(state.assignments().IsReleased("a"));
  ASSERT_TRUE(state.Register(Shard("b"), 10, {}, now).ok());
  const auto pass = [&](const Holdings& loaded) {
    for (int i = 0; i < 16; ++i) {
      now += absl::Milliseconds(250);
      ASSERT_TRUE(state.Report("a", leaving, now).ok());
      ASSERT_TRUE(state.Report("b", ReadyWith(loaded), now).ok());
      state.Tick(now);
    }
  };
  pass({});
  EXPECT_EQ(state.assignments().Assigned("b"), all);
  EXPECT_FALSE(state.assignments().IsReleased("a"));
  pass(all);
  EXPECT_TRUE(state.assignments().IsReleased("a"));
}

TEST(ClusterStateTest, LoadWaitsForTheTick) {
  ClusterState state({.assignment = {.expected_shards = 1}});
  ASSERT_TRUE(state.Register(Shard("s0"), 0, {}, kStart).ok());
  const uint64_t before = state.epoch();
  WorkerReport report;
  report.load.running = 3;
  ASSERT_TRUE(state.Report("s0", report, kStart).ok());
  EXPECT_EQ(state.epoch(), before);
  state.Tick(kStart + absl::Milliseconds(250));
  EXPECT_EQ(state.epoch(), before + 1);
  state.Tick(kStart + absl::Milliseconds(500));
  EXPECT_EQ(state.epoch(), before + 1) << "nothing changed";
}

// Whatever happens in whatever order, epochs never fall, a map never changes without a new epoch, and only reported experts are mapped.
TEST(ClusterStateTest, RandomEventsKeepTheInvariants) {
  for (uint32_t seed = 1; seed <= 50; ++seed) {
    SCOPED_TRACE(seed);
    std::mt19937 random(seed);
    const uint32_t shards = 1 + random() % 6;
    const uint32_t replicas = 1 + random() % shards;
    ClusterState state({.assignment = {.expected_shards = shards, .replicas = replicas}});
    absl::Time now = kStart;
    uint64_t last_epoch = 0;
    std::map<std::string, Holdings> reported, mapped;
    for (int step = 0; step < 400; ++step) {
      const std::string id = absl::StrCat("s", random() % 9);
      switch (random() % 8) {
        case 0:
        case 1:
          reported[id] = {};
          ASSERT_TRUE(state.Register(Shard(id), random() % 50 == 0 ? last_epoch + 5 : 0, {}, now).ok());
          break;
        case 2:
        case 3:
        case 4: {
          const Holdings loaded = state.assignments().Assigned(id);
          const absl::Status status = state.Report(id, ReadyWith(loaded), now);
          ASSERT_TRUE(status.ok() || absl::IsNotFound(status));
          if (status.ok()) reported[id] = loaded;
          break;
        }
        case 5:
          if (random() % 4 == 0) state.Remove(id, now);
          break;
        default:
          state.Tick(now += absl::Milliseconds(random() % 700));
      }
      ASSERT_GE(state.epoch(), last_epoch);
      std::map<std::string, Holdings> newest;
      for (const MappedWorker& worker : state.Map()) {
        newest[worker.description.id] = worker.experts;
        ASSERT_TRUE(Difference(worker.experts, reported[worker.description.id]).empty());
      }
      ASSERT_TRUE(!state.published() || state.epoch() > last_epoch || newest == mapped);
      last_epoch = state.epoch();
      mapped = std::move(newest);
    }
  }
}

}  // namespace
}  // namespace baleen
