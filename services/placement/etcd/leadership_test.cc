#include "services/placement/etcd/leadership.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <atomic>
#include <future>
#include <memory>
#include <string>
#include <thread>

#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "services/placement/etcd/etcd_process.h"
#include "services/placement/etcd/etcd_watch.h"

namespace baleen {
namespace {

constexpr absl::Duration kPatience = absl::Seconds(20);

template <typename Condition>
bool WaitFor(Condition condition) {
  const absl::Time until = absl::Now() + kPatience;
  while (!condition()) {
    if (absl::Now() > until) return false;
    std::this_thread::yield();
  }
  return true;
}

TEST(EtcdClientTest, WritesOnlyWhatIsAsExpected) {
  EtcdProcess etcd;
  EtcdClient client(etcd.address());
  EXPECT_EQ(client.Get("k")->mod_revision, 0);
  const auto first = client.PutIf({.key = "k", .value = "1", .guard_key = ""}).value();
  ASSERT_TRUE(first.has_value());
  EXPECT_EQ(client.PutIf({.key = "k", .value = "2", .guard_key = ""}).value(), std::nullopt) << "it is there already";
  const auto second = client.PutIf({.key = "k", .expected_mod_revision = *first, .value = "2", .guard_key = ""}).value();
  ASSERT_TRUE(second.has_value());
  EXPECT_EQ(client.PutIf({.key = "k", .expected_mod_revision = *first, .value = "3", .guard_key = ""}).value(), std::nullopt);
  const EtcdPut guarded{.key = "k", .expected_mod_revision = *second, .value = "3", .guard_key = "g", .guard_create_revision = 9};
  EXPECT_EQ(client.PutIf(guarded).value(), std::nullopt) << "no such guard";
  EXPECT_EQ(client.Get("k")->value, "2");
}

TEST(EtcdClientTest, LeavesAMemberThatDoesNotAnswerForTheNext) {
  EtcdProcess etcd;
  EtcdClient client("127.0.0.1:1," + etcd.address());
  EXPECT_FALSE(client.Get("k").ok());
  EXPECT_EQ(client.Get("k")->mod_revision, 0);
  EXPECT_TRUE(client.PutIf({.key = "k", .value = "1", .guard_key = ""}).value().has_value());
}

// Placements and etcd start in any order.
TEST(EtcdClientTest, FindsAnEtcdThatStartsLongAfterIt) {
  const int port = EtcdProcess::FreePort();
  EtcdClient early(absl::StrCat("127.0.0.1:", port));
  for (int i = 0; i < 8; ++i) EXPECT_FALSE(early.Get("k").ok());  // A second each.
  EtcdProcess etcd(port);                                         // Returns once a client that is new answers.
  int tries = 1;
  while (!early.Get("k").ok() && tries < 10) ++tries;
  // There is an attempt to connect each second; one may be under way when etcd comes, and the machine may be busy.
  EXPECT_LE(tries, 4);
}

TEST(EtcdWatchTest, SaysThatItsKeyChangedEvenAfterEtcdWasAway) {
  const int port = EtcdProcess::FreePort();
  auto etcd = std::make_unique<EtcdProcess>(port);
  std::atomic<int> hints{0};
  EtcdWatch watch(etcd->address(), nullptr, "k", [&] { ++hints; });
  for (const bool first : {true, false}) {
    if (!first) etcd = std::make_unique<EtcdProcess>(port);
    EtcdClient client(etcd->address());
    ASSERT_TRUE(client.PutIf({.key = "other", .value = "1", .guard_key = ""}).value().has_value());
    const int before = hints;
    int64_t revision = 0;
    // Its stream may be opened after the first few changes.
    ASSERT_TRUE(WaitFor([&] {
      watch.Renew();
      revision = client.PutIf({.key = "k", .expected_mod_revision = revision, .value = "1", .guard_key = ""}).value().value();
      return hints > before;
    })) << first;
    etcd.reset();
  }
}

TEST(EtcdClientTest, AKeyLivesWithItsLease) {
  EtcdProcess etcd;
  EtcdClient client(etcd.address());
  const EtcdLease lease = client.Grant(absl::Seconds(60)).value();
  EXPECT_GE(lease.ttl, absl::Seconds(60));
  ASSERT_TRUE(client.PutIf({.key = "k", .value = "1", .lease = lease.id, .guard_key = ""}).value().has_value());
  EXPECT_EQ(client.Get("k")->lease, lease.id);
  EXPECT_GT(client.KeepAlive(lease.id).value(), absl::Seconds(50));
  ASSERT_TRUE(client.Revoke(lease.id).ok());
  EXPECT_EQ(client.Get("k")->mod_revision, 0);
  EXPECT_TRUE(absl::IsNotFound(client.KeepAlive(lease.id).status()));
}

// A candidate that counts its elections and stores one number.
struct Candidate {
  Candidate(const std::string& etcd, const std::string& address, uint64_t stored, absl::Duration period = Leadership::kPeriod)
      : limit(stored),
        leadership(etcd, {.address = address, .ttl = std::max(absl::Seconds(3), 4 * period)},
                   {.on_elected =
                        [this](const v1::StoredPlacement& stored) {
                          found = stored.epoch_limit();
                          ++elections;
                        },
                    .on_lost = [this] { ++losses; },
                    .record =
                        [this] {
                          v1::StoredPlacement record;
                          record.set_epoch_limit(limit);
                          return record;
                        },
                    .on_stored = [](const v1::StoredPlacement&) {}},
                   nullptr, period) {}

  bool leads() const { return leadership.Leads().ok(); }

  std::atomic<uint64_t> limit;
  std::atomic<uint64_t> found{0};
  std::atomic<int> elections{0};
  std::atomic<int> losses{0};
  Leadership leadership;
};

TEST(LeadershipTest, OneLeadsAndTheNextGoesOnFromItsRecord) {
  EtcdProcess etcd;
  auto first = std::make_unique<Candidate>(etcd.address(), "first:1", 1000);
  ASSERT_TRUE(WaitFor([&] { return first->leads(); }));
  EXPECT_EQ(first->found, 0u);
  Candidate second(etcd.address(), "second:1", 2000);
  ASSERT_TRUE(WaitFor([&] { return second.leadership.Ready().ok(); }));
  EXPECT_EQ(second.leadership.Leads().message(), "this placement does not lead; leader: first:1");
  first.reset();
  ASSERT_TRUE(WaitFor([&] { return second.leads(); }));
  EXPECT_EQ(second.found, 1000u);
}

// Long before it would look by itself.
TEST(LeadershipTest, AHintShortensTheTakeOver) {
  EtcdProcess etcd;
  const absl::Duration rarely = 3 * kPatience;
  auto first = std::make_unique<Candidate>(etcd.address(), "first:1", 1000);
  ASSERT_TRUE(WaitFor([&] { return first->leads(); }));
  Candidate second(etcd.address(), "second:1", 2000, rarely);
  ASSERT_TRUE(WaitFor([&] { return second.leadership.Ready().ok(); }));
  first.reset();
  EXPECT_TRUE(WaitFor([&] { return second.leads(); }));
}

TEST(LeadershipTest, WhatIsAskedForIsStoredBeforeItIsAnswered) {
  EtcdProcess etcd;
  Candidate candidate(etcd.address(), "only:1", 1000, /*period=*/3 * kPatience);
  ASSERT_TRUE(WaitFor([&] { return candidate.leads(); }));
  candidate.limit = 2000;
  std::promise<absl::Status> stored;
  candidate.leadership.Store([&](const absl::Status& status) { stored.set_value(status); });
  EXPECT_TRUE(stored.get_future().get().ok());
  v1::StoredPlacement record;
  ASSERT_TRUE(record.ParseFromString(EtcdClient(etcd.address()).Get("/baleen/placement/record")->value));
  EXPECT_EQ(record.epoch_limit(), 2000u);
}

TEST(LeadershipTest, ADeposedLeaderKnowsAndWritesNothing) {
  EtcdProcess etcd;
  EtcdClient client(etcd.address());
  Candidate candidate(etcd.address(), "only:1", 1000);
  ASSERT_TRUE(WaitFor([&] { return candidate.leads(); }));
  const int64_t record = client.Get("/baleen/placement/record")->mod_revision;
  // Its lease ends behind its back, and its key with it.
  ASSERT_TRUE(client.Revoke(client.Get("/baleen/placement/leader")->lease).ok());
  ASSERT_TRUE(WaitFor([&] { return candidate.losses > 0; }));
  ASSERT_TRUE(WaitFor([&] { return candidate.leads(); })) << "nobody else wants it";
  EXPECT_EQ(candidate.elections, 2);
  EXPECT_EQ(client.Get("/baleen/placement/record")->mod_revision, record) << "nothing changed, so nothing is written";
}

TEST(LeadershipTest, WithoutEtcdNobodyLeads) {
  auto etcd = std::make_unique<EtcdProcess>();
  Candidate candidate(etcd->address(), "only:1", 1000);
  ASSERT_TRUE(WaitFor([&] { return candidate.leads(); }));
  etcd.reset();
  EXPECT_TRUE(WaitFor([&] { return !candidate.leads(); }));
  EXPECT_TRUE(WaitFor([&] { return candidate.losses == 1; }));
}

}  // namespace
}  // namespace baleen
