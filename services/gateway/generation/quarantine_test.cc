#include "services/gateway/generation/quarantine.h"

#include <gtest/gtest.h>

#include <map>
#include <random>
#include <vector>

#include "absl/strings/str_cat.h"

namespace baleen {
namespace {

TEST(QuarantineTest, ARequestAloneIsGivenUpAfterTwoWorkers) {
  Quarantine quarantine;
  quarantine.Started("poison", "w1");
  EXPECT_EQ(quarantine.Died("poison"), AfterDeath::kRetry);
  quarantine.Started("poison", "w2");
  EXPECT_EQ(quarantine.Died("poison"), AfterDeath::kGiveUp);
  quarantine.Ended("poison");
  EXPECT_EQ(quarantine.size(), 0u);
}

TEST(QuarantineTest, ProgressClears) {
  Quarantine quarantine;
  for (int i = 0; i < 20; ++i) {
    quarantine.Started("r", absl::StrCat("w", i));
    if (i % 2 == 0) quarantine.Progressed("r");
    EXPECT_EQ(quarantine.Died("r"), AfterDeath::kRetry) << i;
  }
}

TEST(QuarantineTest, ThoseWithTokensAreNoSuspects) {
  Quarantine quarantine;
  for (const char* worker : {"w1", "w2"}) {
    quarantine.Started("poison", worker);
    quarantine.Started("bystander", worker);
    quarantine.Progressed("bystander");
    EXPECT_EQ(quarantine.Died("bystander"), AfterDeath::kRetry);
    EXPECT_EQ(quarantine.Died("poison"), std::string(worker) == "w1" ? AfterDeath::kRetry : AfterDeath::kGiveUp);
  }
}

TEST(QuarantineTest, TwoSuspectsAreToldApartInIsolation) {
  Quarantine quarantine;
  for (const char* worker : {"w1", "w2"}) {
    quarantine.Started("poison", worker);
    quarantine.Started("innocent", worker);
    const AfterDeath expected = std::string(worker) == "w1" ? AfterDeath::kRetry : AfterDeath::kIsolate;
    EXPECT_EQ(quarantine.Died("innocent"), expected);
    EXPECT_EQ(quarantine.Died("poison"), expected);
  }
  EXPECT_TRUE(quarantine.TryIsolate("innocent"));
  EXPECT_FALSE(quarantine.TryIsolate("poison"));
  quarantine.Started("innocent", "w3");
  quarantine.Progressed("innocent");
  EXPECT_TRUE(quarantine.TryIsolate("poison"));
  quarantine.Started("poison", "w3");
  EXPECT_EQ(quarantine.Died("innocent"), AfterDeath::kRetry);
  EXPECT_EQ(quarantine.Died("poison"), AfterDeath::kGiveUp);
}

TEST(QuarantineTest, AStreamThatBrokeEarlierDoesNotMakeAnInnocentLookAlone) {
  Quarantine quarantine;
  quarantine.Started("innocent", "w1");
  EXPECT_EQ(quarantine.Died("innocent"), AfterDeath::kRetry);
  quarantine.Started("busy", "w2");
  quarantine.Progressed("busy");
  quarantine.Started("reset", "w2");
  EXPECT_EQ(quarantine.Died("reset"), AfterDeath::kRetry);
  quarantine.Started("innocent", "w2");
  quarantine.Started("poison", "w2");
  EXPECT_EQ(quarantine.Died("innocent"), AfterDeath::kIsolate);
  EXPECT_EQ(quarantine.Died("poison"), AfterDeath::kRetry);
  EXPECT_EQ(quarantine.Died("busy"), AfterDeath::kRetry);
}

// Several requests, one of them poison, on a fleet whose workers it kills: it ends, nobody else does, and at most three workers die.
TEST(QuarantineSimulationTest, OnlyThePoisonEnds) {
  for (uint32_t seed = 0; seed < 5000; ++seed) {
    SCOPED_TRACE(absl::StrCat("seed ", seed));
    std::mt19937 random(seed);
    Quarantine quarantine;
    const int count = 1 + static_cast<int>(random() % 6);
    std::vector<bool> isolate(static_cast<size_t>(count)), running(static_cast<size_t>(count)), ended(static_cast<size_t>(count));
    int deaths = 0;
    const auto id = [](int request) { return absl::StrCat("r", request); };
    for (int round = 0; round < 400 && !ended[0]; ++round) {
      const int request = static_cast<int>(random() % static_cast<uint32_t>(count));
      if (!running[request]) {
        if (isolate[request] && !quarantine.TryIsolate(id(request))) continue;
        quarantine.Started(id(request), absl::StrCat("w", deaths));
        running[request] = true;
      } else if (request != 0) {
        quarantine.Progressed(id(request));
        isolate[request] = false;
      } else {
        ++deaths;
        for (int victim = 0; victim < count; ++victim) {
          if (!running[victim]) continue;
          running[victim] = false;
          const AfterDeath next = quarantine.Died(id(victim));
          isolate[victim] = next == AfterDeath::kIsolate;
          if (next != AfterDeath::kGiveUp) continue;
          EXPECT_EQ(victim, 0);
          ended[victim] = true;
        }
      }
    }
    EXPECT_TRUE(ended[0]);
    EXPECT_LE(deaths, 3);
    for (int request = 0; request < count; ++request) quarantine.Ended(id(request));
    EXPECT_EQ(quarantine.size(), 0u);
    if (HasFailure()) return;
  }
}

}  // namespace
}  // namespace baleen
