#include "services/gateway/idempotency/idempotency_table.h"

#include <gtest/gtest.h>

#include "absl/strings/escaping.h"
#include "services/gateway/api/api_error.h"

namespace baleen {
namespace {

class IdempotencyTableTest : public testing::Test {
 protected:
  absl::StatusOr<AnswerRecord> Claim(const std::string& caller, const std::string& key, const std::string& digest, uint64_t seed = 1) {
    AnswerRecord fresh;
    fresh.seed = seed;
    fresh.request_id = std::to_string(++requests_);
    absl::StatusOr<ClaimedAnswer> claimed = table_.Claim(caller, key, digest, fresh, now_);
    if (!claimed.ok()) return claimed.status();
    EXPECT_EQ(claimed->repeat, claimed->record.request_id != fresh.request_id);
    return claimed->record;
  }

  // Claims and ends at once.
  absl::StatusOr<AnswerRecord> Ask(const std::string& caller, const std::string& key, const std::string& digest, uint64_t seed = 1) {
    auto record = Claim(caller, key, digest, seed);
    if (record.ok()) table_.Release(caller, key, *record, /*began=*/true);
    return record;
  }

  IdempotencyTable table_{{.max_entries = 4, .window = absl::Hours(1)}};
  absl::Time now_ = absl::FromUnixSeconds(1000);
  int requests_ = 0;
};

TEST_F(IdempotencyTableTest, ARepeatHasTheFirstOnesRecord) {
  AnswerRecord record = *Claim("a", "k", "d", 7);
  record.answered = true;
  record.prompt_cache_hit_tokens = 64;
  table_.Release("a", "k", record, true);
  const AnswerRecord repeat = *Claim("a", "k", "d", 8);
  EXPECT_EQ(repeat.seed, 7u);
  EXPECT_EQ(repeat.request_id, "1");
  EXPECT_TRUE(repeat.answered);
  EXPECT_EQ(repeat.prompt_cache_hit_tokens, 64);
}

TEST_F(IdempotencyTableTest, AKeyStandsForOneRequest) {
  ASSERT_TRUE(Ask("a", "k", "d").ok());
  const absl::Status other = Claim("a", "k", "e").status();
  EXPECT_EQ(ToApiError(other).http_status, 409);
  EXPECT_NE(ToApiError(other).body.find("\"code\":\"idempotency_key_reused\""), std::string::npos);
  EXPECT_TRUE(Claim("b", "k", "e").ok());
  EXPECT_TRUE(Claim("a", "l", "e").ok());
}

TEST_F(IdempotencyTableTest, OneAtATime) {
  const AnswerRecord record = *Claim("a", "k", "d");
  const ApiError running = ToApiError(Claim("a", "k", "d").status());
  EXPECT_EQ(running.http_status, 409);
  EXPECT_EQ(running.retry_after_s, 1);
  EXPECT_NE(running.body.find("\"code\":\"idempotency_key_in_use\""), std::string::npos);
  table_.Release("a", "k", record, true);
  EXPECT_TRUE(Claim("a", "k", "d").ok());
}

TEST_F(IdempotencyTableTest, WhatNeverBeganLeavesTheKeyFree) {
  table_.Release("a", "k", *Claim("a", "k", "d", 7), false);
  EXPECT_EQ(Claim("a", "k", "e", 8)->seed, 8u);
}

TEST_F(IdempotencyTableTest, TheWindowEnds) {
  ASSERT_TRUE(Ask("a", "k", "d", 7).ok());
  now_ += absl::Minutes(59);
  EXPECT_EQ(Ask("a", "k", "d", 8)->seed, 7u);
  now_ += absl::Minutes(1);
  EXPECT_EQ(Ask("a", "k", "e", 9)->seed, 9u);
  EXPECT_EQ(table_.size(), 1u);
}

TEST_F(IdempotencyTableTest, WhoHasMostLosesItsOldest) {
  ASSERT_TRUE(Ask("quiet", "k", "d", 7).ok());
  for (int i = 0; i < 100; ++i) {
    now_ += absl::Seconds(1);
    ASSERT_TRUE(Ask("loud", std::to_string(i), "d").ok());
    EXPECT_LE(table_.size(), 4u);
  }
  EXPECT_EQ(Ask("quiet", "k", "d", 8)->seed, 7u);
  EXPECT_EQ(Ask("loud", "99", "d", 8)->seed, 1u);
  EXPECT_EQ(Ask("loud", "0", "d", 8)->seed, 8u);
}

TEST_F(IdempotencyTableTest, WhoDoesNotComeBackIsForgottenToo) {
  for (const char* caller : {"a", "b", "c"}) ASSERT_TRUE(Ask(caller, "k", "d").ok());
  now_ += absl::Hours(1);
  ASSERT_TRUE(Ask("d", "k", "d").ok());
  EXPECT_EQ(table_.size(), 1u);
}

TEST_F(IdempotencyTableTest, AmongEqualsTheOldestOfAllIsLost) {
  for (const char* caller : {"b", "c", "d", "e"}) ASSERT_TRUE(Ask(caller, "k", "d", 7).ok());
  for (const char* newcomer : {"a", "f"}) {
    ASSERT_TRUE(Claim(newcomer, "k", "d", 8).ok());
    EXPECT_EQ(Claim(newcomer, "k", "d").status().code(), absl::StatusCode::kAborted) << newcomer;
  }
  EXPECT_EQ(table_.size(), 4u);
  EXPECT_EQ(Ask("d", "k", "d", 9)->seed, 7u);
  EXPECT_EQ(Ask("e", "k", "d", 9)->seed, 7u);
}

TEST_F(IdempotencyTableTest, RefusedRequestsAreBoundedToo) {
  for (int i = 0; i < 100; ++i) table_.Release("a", "k", *Claim("a", "k", "d"), false);
  EXPECT_LE(table_.size(), 4u);
}

TEST_F(IdempotencyTableTest, TheEndOfADroppedRequestChangesNothing) {
  const AnswerRecord dropped = *Claim("a", "0", "d");
  for (int i = 1; i <= 4; ++i) ASSERT_TRUE(Claim("a", std::to_string(i), "d").ok());
  const AnswerRecord again = *Claim("a", "0", "e", 9);
  table_.Release("a", "0", dropped, true);
  EXPECT_EQ(Claim("a", "0", "e").status().code(), absl::StatusCode::kAborted);
  table_.Release("a", "0", again, true);
  EXPECT_EQ(Claim("a", "0", "e")->seed, 9u);
}

TEST(IdempotencyKeyTest, MustBeShortAndPrintable) {
  EXPECT_TRUE(CheckIdempotencyKey("8e03978e-40d5-43dd-bc93-6894a57f9324").ok());
  EXPECT_FALSE(CheckIdempotencyKey("").ok());
  EXPECT_FALSE(CheckIdempotencyKey(std::string(256, 'a')).ok());
  EXPECT_FALSE(CheckIdempotencyKey("a\tb").ok());
}

TEST(RequestDigestTest, DependsOnPathAndBody) {
  EXPECT_NE(RequestDigest("/a", "b"), RequestDigest("/b", "b"));
  EXPECT_NE(RequestDigest("/a", "b"), RequestDigest("/a", "c"));
}

// The seed of a request under a key is derived from it, in gateways of any release.
TEST(RequestDigestTest, StaysWhatItIs) {
  EXPECT_EQ(absl::BytesToHexString(RequestDigest("/v1/completions", "{}")),
            "e5d6a84355c0ca99960bc8f1375021e71c539e4d066438a629d35ad0328fcebe");
}

}  // namespace
}  // namespace baleen
