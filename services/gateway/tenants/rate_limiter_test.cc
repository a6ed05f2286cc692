#include "services/gateway/tenants/rate_limiter.h"

#include <gtest/gtest.h>

#include <deque>
#include <random>

#include "absl/strings/match.h"
#include "services/gateway/api/api_error.h"

namespace baleen {
namespace {

class RateLimiterTest : public testing::Test {
 protected:
  absl::Time now_ = absl::FromUnixSeconds(1000);
};

TEST_F(RateLimiterTest, NoLimitsRefuseNothing) {
  RateLimiter limiter({}, now_);
  for (int i = 0; i < 1000; ++i) {
    EXPECT_FALSE(limiter.TakeRequest(now_));
    EXPECT_FALSE(limiter.BeginStream(int64_t{1} << 40, now_));
  }
  EXPECT_FALSE(limiter.Requests(now_));
  EXPECT_FALSE(limiter.Tokens(now_));
}

TEST_F(RateLimiterTest, AMinutesRequestsThenEvenly) {
  RateLimiter limiter({.requests_per_min = 60}, now_);
  for (int i = 0; i < 60; ++i) EXPECT_FALSE(limiter.TakeRequest(now_)) << i;
  const auto refusal = limiter.TakeRequest(now_);
  ASSERT_TRUE(refusal);
  EXPECT_EQ(refusal->kind, LimitKind::kRequests);
  EXPECT_EQ(ToApiError(refusal->status).http_status, 429);
  EXPECT_EQ(ToApiError(refusal->status).retry_after_s, 1);
  EXPECT_TRUE(absl::StrContains(refusal->status.message(), "60 requests a minute"));
  now_ += absl::Seconds(1);
  EXPECT_FALSE(limiter.TakeRequest(now_));
  EXPECT_TRUE(limiter.TakeRequest(now_));
}

TEST_F(RateLimiterTest, AShorterBurstHoldsBackWhoeverWaited) {
  RateLimiter limiter({.requests_per_min = 60, .requests_burst = 3}, now_);
  now_ += absl::Hours(1);
  for (int i = 0; i < 3; ++i) EXPECT_FALSE(limiter.TakeRequest(now_)) << i;
  EXPECT_TRUE(limiter.TakeRequest(now_));
  EXPECT_EQ(limiter.Requests(now_)->limit, 60);
  EXPECT_EQ(limiter.Requests(now_)->reset, absl::Seconds(3));
  for (int i = 0; i < 100; ++i) {
    now_ += absl::Seconds(1);
    EXPECT_FALSE(limiter.TakeRequest(now_)) << i;
    EXPECT_TRUE(limiter.TakeRequest(now_)) << i;
  }
  limiter.SetLimits({.requests_per_min = 60}, now_);
  EXPECT_EQ(limiter.Requests(now_)->remaining, 57);
}

TEST_F(RateLimiterTest, RetryAfterIsWhenThereIsRoom) {
  RateLimiter limiter({.requests_per_min = 4}, now_);
  for (int i = 0; i < 4; ++i) EXPECT_FALSE(limiter.TakeRequest(now_));
  now_ += absl::Milliseconds(500);
  const int wait = ToApiError(limiter.TakeRequest(now_)->status).retry_after_s;
  EXPECT_EQ(wait, 15);
  EXPECT_TRUE(limiter.TakeRequest(now_ + absl::Seconds(wait - 1)));
  EXPECT_FALSE(limiter.TakeRequest(now_ + absl::Seconds(wait)));
}

TEST_F(RateLimiterTest, ACheckTakesNothingAndSaysWhatTheBeginningWould) {
  RateLimiter limiter({.tokens_per_min = 100, .concurrent_streams = 2}, now_);
  for (int i = 0; i < 10; ++i) EXPECT_FALSE(limiter.CheckStream(90, now_));
  EXPECT_FALSE(limiter.BeginStream(90, now_));
  const auto check = limiter.CheckStream(20, now_), begin = limiter.BeginStream(20, now_);
  ASSERT_TRUE(check && begin);
  EXPECT_EQ(check->status, begin->status);
  EXPECT_FALSE(limiter.BeginStream(10, now_));
  EXPECT_EQ(limiter.CheckStream(0, now_)->kind, LimitKind::kStreams);
}

TEST_F(RateLimiterTest, StatesAreAsOpenAiHasThem) {
  RateLimiter limiter({.requests_per_min = 60, .tokens_per_min = 6000}, now_);
  EXPECT_EQ(limiter.Requests(now_)->remaining, 60);
  EXPECT_EQ(limiter.Requests(now_)->reset, absl::ZeroDuration());
  EXPECT_FALSE(limiter.TakeRequest(now_));
  EXPECT_FALSE(limiter.BeginStream(600, now_));
  EXPECT_EQ(limiter.Requests(now_)->limit, 60);
  EXPECT_EQ(limiter.Requests(now_)->remaining, 59);
  EXPECT_EQ(limiter.Requests(now_)->reset, absl::Seconds(1));
  EXPECT_EQ(limiter.Tokens(now_)->remaining, 5400);
  EXPECT_EQ(limiter.Tokens(now_)->reset, absl::Seconds(6));
  EXPECT_EQ(limiter.Tokens(now_ + absl::Hours(1))->remaining, 6000);
}

TEST_F(RateLimiterTest, WhatAStreamDidNotUseComesBack) {
  RateLimiter limiter({.tokens_per_min = 1000}, now_);
  EXPECT_FALSE(limiter.BeginStream(900, now_));
  const auto refusal = limiter.BeginStream(200, now_);
  ASSERT_TRUE(refusal);
  EXPECT_EQ(refusal->kind, LimitKind::kTokens);
  EXPECT_EQ(ToApiError(refusal->status).retry_after_s, 6);
  limiter.EndStream(900, 100, now_);
  EXPECT_EQ(limiter.Tokens(now_)->remaining, 900);
  EXPECT_FALSE(limiter.BeginStream(200, now_));
  limiter.EndStream(200, 5000, now_);
  EXPECT_EQ(limiter.Tokens(now_)->remaining, 700);
  EXPECT_EQ(limiter.streams(), 0);
}

TEST_F(RateLimiterTest, WhatNeverFitsIsNotToBeTriedAgain) {
  RateLimiter limiter({.tokens_per_min = 1000}, now_);
  const auto refusal = limiter.BeginStream(1001, now_);
  ASSERT_TRUE(refusal);
  EXPECT_EQ(ToApiError(refusal->status).retry_after_s, 0);
  EXPECT_TRUE(absl::StrContains(refusal->status.message(), "1001 tokens"));
  EXPECT_FALSE(limiter.BeginStream(1000, now_));
}

TEST_F(RateLimiterTest, StreamsAtATime) {
  RateLimiter limiter({.tokens_per_min = 100, .concurrent_streams = 2}, now_);
  EXPECT_FALSE(limiter.BeginStream(10, now_));
  EXPECT_FALSE(limiter.BeginStream(10, now_));
  const auto refusal = limiter.BeginStream(10, now_);
  ASSERT_TRUE(refusal);
  EXPECT_EQ(refusal->kind, LimitKind::kStreams);
  EXPECT_EQ(ToApiError(refusal->status).retry_after_s, 1);
  EXPECT_EQ(limiter.Tokens(now_)->remaining, 80);
  limiter.EndStream(10, 10, now_);
  EXPECT_FALSE(limiter.BeginStream(10, now_));
}

TEST_F(RateLimiterTest, WhatWasAdmittedBeforeIsNotRefused) {
  RateLimiter limiter({.tokens_per_min = 100, .concurrent_streams = 1}, now_);
  EXPECT_FALSE(limiter.BeginStream(100, now_));
  limiter.ResumeStream(60, now_);
  EXPECT_EQ(limiter.streams(), 2);
  EXPECT_EQ(limiter.Tokens(now_)->remaining, 0);
  EXPECT_EQ(limiter.Tokens(now_)->reset, absl::Seconds(96));
  limiter.EndStream(60, 0, now_);
  limiter.EndStream(100, 0, now_);
  EXPECT_EQ(limiter.Tokens(now_)->remaining, 100);
}

TEST_F(RateLimiterTest, OtherLimitsKeepWhatWasUsed) {
  RateLimiter limiter({.requests_per_min = 10}, now_);
  for (int i = 0; i < 4; ++i) EXPECT_FALSE(limiter.TakeRequest(now_));
  limiter.SetLimits({.requests_per_min = 5, .tokens_per_min = 7, .concurrent_streams = 1}, now_);
  EXPECT_EQ(limiter.Requests(now_)->remaining, 1);
  EXPECT_EQ(limiter.Tokens(now_)->remaining, 7);
  limiter.SetLimits({.requests_per_min = 2}, now_);
  EXPECT_EQ(limiter.Requests(now_)->remaining, 0);
  EXPECT_FALSE(limiter.Tokens(now_));
  limiter.SetLimits({}, now_);
  EXPECT_FALSE(limiter.TakeRequest(now_));
}

TEST_F(RateLimiterTest, AClockThatGoesBackGivesNothingAway) {
  RateLimiter limiter({.requests_per_min = 60}, now_);
  for (int i = 0; i < 60; ++i) EXPECT_FALSE(limiter.TakeRequest(now_));
  EXPECT_TRUE(limiter.TakeRequest(now_ - absl::Hours(1)));
  EXPECT_TRUE(limiter.TakeRequest(now_));
}

// Whatever comes when: no minute has more than what was saved up and what came in.
TEST_F(RateLimiterTest, NoMinuteHasMoreThanTwoMinutesWorth) {
  constexpr int64_t kLimit = 50;
  std::mt19937 random(1);
  RateLimiter limiter({.requests_per_min = kLimit}, now_);
  std::deque<absl::Time> taken;
  int total = 0;
  for (int i = 0; i < 20000; ++i) {
    now_ += absl::Milliseconds(static_cast<int64_t>(random() % 700));
    if (limiter.TakeRequest(now_)) continue;
    ++total;
    taken.push_back(now_);
    while (taken.front() <= now_ - absl::Minutes(1)) taken.pop_front();
    ASSERT_LE(static_cast<int64_t>(taken.size()), 2 * kLimit);
  }
  // About 117 minutes, and more asked for than allowed.
  const double minutes = absl::ToDoubleMinutes(now_ - absl::FromUnixSeconds(1000));
  EXPECT_NEAR(total, (minutes + 1) * kLimit, kLimit);
}

}  // namespace
}  // namespace baleen
