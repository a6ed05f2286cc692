#include "services/gateway/resume/request_finder.h"

#include <gtest/gtest.h>

#include <optional>

namespace baleen {
namespace {

class FakeClock final : public Clock {
 public:
  absl::Time Now() override { return now; }
  void Sleep(absl::Duration duration) override { now += duration; }
  absl::Time now = absl::FromUnixSeconds(1000);
};

class FakeRecallClient final : public RecallClient {
 public:
  void Recall(const std::string& address, const v1::RecallRequest& request, absl::Time deadline, RecallDone done) override {
    asked.push_back(address);
    const auto it = replies.find(address);
    done(it == replies.end() ? absl::UnavailableError("dead") : it->second);
  }
  std::map<std::string, absl::StatusOr<v1::RecallReply>> replies;
  std::vector<std::string> asked;
};

v1::RecallReply Has(uint32_t attempt, std::vector<uint32_t> generated, uint32_t choice = 0) {
  v1::EdgeRequest edge;
  edge.set_path("/p");
  edge.set_seed(7);
  edge.set_created_unix_s(attempt);
  v1::RecallReply reply;
  v1::RecalledSequence* sequence = reply.add_sequences();
  sequence->set_choice(choice);
  sequence->set_attempt(attempt);
  sequence->set_edge(edge.SerializeAsString());
  sequence->mutable_generated()->Add(generated.begin(), generated.end());
  sequence->set_numerics_id("n");
  return reply;
}

class RequestFinderTest : public testing::Test {
 protected:
  void SetWorkers(const std::vector<std::string>& addresses) {
    v1::ClusterMap map;
    for (const std::string& address : addresses) {
      v1::Worker* worker = map.add_workers();
      worker->mutable_info()->set_address(address);
      worker->mutable_info()->set_role(v1::ROLE_DECODE);
    }
    v1::Worker* other = map.add_workers();
    other->mutable_info()->set_address("prefill");
    other->mutable_info()->set_role(v1::ROLE_PREFILL);
    finder_.UpdateMap(map);
  }
  absl::StatusOr<FoundRequest> Find() {
    client_.asked.clear();
    std::optional<absl::StatusOr<FoundRequest>> result;
    finder_.Find(v1::RecallRequest(), [&](absl::StatusOr<FoundRequest> found) { result = std::move(found); });
    EXPECT_TRUE(result.has_value());
    return *result;
  }

  FakeClock clock_;
  FakeRecallClient client_;
  RequestFinder finder_{&client_, &clock_};
};

TEST_F(RequestFinderTest, TakesTheNewestAttemptOfEachChoice) {
  SetWorkers({"a", "b", "c"});
  client_.replies["a"] = Has(1, {1, 2, 3, 4});
  client_.replies["b"] = Has(2, {1, 2, 3, 4, 5});
  client_.replies["c"] = Has(1, {9}, 1);
  const auto found = Find();
  ASSERT_TRUE(found.ok()) << found.status();
  EXPECT_EQ(found->edge.created_unix_s(), 2);
  ASSERT_EQ(found->choices.size(), 2u);
  EXPECT_EQ(found->choices.at(0).attempt, 2u);
  EXPECT_EQ(found->choices.at(0).generated.size(), 5u);
  EXPECT_EQ(found->choices.at(0).numerics_id, "n");
  EXPECT_EQ(found->choices.at(1).generated, std::vector<int32_t>{9});
  EXPECT_EQ(client_.asked, (std::vector<std::string>{"a", "b", "c"}));
}

TEST_F(RequestFinderTest, SaysWhetherItIsSure) {
  EXPECT_EQ(Find().status().code(), absl::StatusCode::kUnavailable);
  SetWorkers({"a", "b"});
  client_.replies["a"] = v1::RecallReply();
  EXPECT_EQ(Find().status().code(), absl::StatusCode::kUnavailable);
  client_.replies["b"] = v1::RecallReply();
  EXPECT_EQ(Find().status().code(), absl::StatusCode::kNotFound);
  client_.replies["b"] = Has(1, {});
  client_.replies.erase("a");
  EXPECT_TRUE(Find().ok());
}

TEST_F(RequestFinderTest, AsksThoseThatLeftForAWhileButDoesNotCountOnThem) {
  SetWorkers({"a", "b"});
  client_.replies["b"] = v1::RecallReply();
  SetWorkers({"b"});
  EXPECT_EQ(Find().status().code(), absl::StatusCode::kNotFound);
  EXPECT_EQ(client_.asked.size(), 2u);
  clock_.now += absl::Minutes(2);
  SetWorkers({"b"});
  EXPECT_EQ(Find().status().code(), absl::StatusCode::kNotFound);
  EXPECT_EQ(client_.asked, std::vector<std::string>{"b"});
}

TEST_F(RequestFinderTest, AnswersOfSeveralRequestsAreNotJoined) {
  SetWorkers({"a", "b"});
  client_.replies["a"] = Has(1, {1, 2});
  client_.replies["b"] = Has(1, {1, 2, 3});
  EXPECT_TRUE(Find().ok());
  client_.replies["b"] = Has(1, {1, 3, 3});
  EXPECT_EQ(Find().status().code(), absl::StatusCode::kAlreadyExists);
  for (const uint32_t choice : {0, 1}) {
    v1::RecallReply other = Has(1, {1, 2}, choice);
    v1::EdgeRequest edge;
    ASSERT_TRUE(edge.ParseFromString(other.sequences(0).edge()));
    edge.set_seed(8);
    other.mutable_sequences(0)->set_edge(edge.SerializeAsString());
    client_.replies["b"] = other;
    EXPECT_EQ(Find().status().code(), absl::StatusCode::kAlreadyExists) << choice;
  }
}

TEST_F(RequestFinderTest, WhatCannotBeReadIsAnError) {
  SetWorkers({"a"});
  v1::RecallReply reply = Has(1, {});
  reply.mutable_sequences(0)->set_edge("\xff\xff");
  client_.replies["a"] = reply;
  EXPECT_EQ(Find().status().code(), absl::StatusCode::kDataLoss);
}

}  // namespace
}  // namespace baleen
