#include "services/gateway/guardrail/checks.h"

#include <gtest/gtest.h>

namespace baleen {
namespace {

TEST(LuhnTest, KnowsPublishedNumbers) {
  EXPECT_TRUE(PassesLuhn("4111 1111 1111 1111"));
  EXPECT_TRUE(PassesLuhn("378282246310005"));
  EXPECT_TRUE(PassesLuhn("79927398713"));
  EXPECT_FALSE(PassesLuhn("4111 1111 1111 1112"));
  EXPECT_FALSE(PassesLuhn("79927398710"));
}

TEST(IbanTest, KnowsPublishedNumbers) {
  EXPECT_TRUE(BeginsWithIban("DE89 3704 0044 0532 0130 00"));
  EXPECT_TRUE(BeginsWithIban("GB29NWBK60161331926819"));
  EXPECT_TRUE(BeginsWithIban("NO9386011117947"));
  EXPECT_FALSE(BeginsWithIban("DE89 3704 0044 0532 0130 01"));
  EXPECT_FALSE(BeginsWithIban("DE89"));
  EXPECT_FALSE(BeginsWithIban(""));
}

TEST(IbanTest, EndsWhereItIsOne) {
  EXPECT_TRUE(BeginsWithIban("DE89 3704 0044 0532 0130 00 FOO"));
  EXPECT_FALSE(BeginsWithIban("DE89370400440532013000FOO"));
}

}  // namespace
}  // namespace baleen
