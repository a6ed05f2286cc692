#include "services/gateway/tenants/api_key.h"

#include <gtest/gtest.h>

namespace baleen {
namespace {

TEST(ApiKeyTest, DigestsAreSha256) {
  EXPECT_EQ(KeyDigestToHex(DigestOfKey("abc")), "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
  const auto digest = KeyDigestFromHex("BA7816BF8F01CFEA414140DE5DAE2223B00361A396177A9CB410FF61F20015AD");
  ASSERT_TRUE(digest.ok());
  EXPECT_EQ(*digest, DigestOfKey("abc"));
}

TEST(ApiKeyTest, WhatIsNoDigestIsRefused) {
  for (const char* text : {"", "ba78", "xx7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad",
                           "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad00"}) {
    EXPECT_FALSE(KeyDigestFromHex(text).ok()) << text;
  }
}

TEST(ApiKeyTest, BearerKeys) {
  EXPECT_EQ(BearerKey("Bearer k"), "k");
  EXPECT_EQ(BearerKey("bearer  k "), "k");
  EXPECT_EQ(BearerKey("Basic k"), "");
  EXPECT_EQ(BearerKey("Bearer"), "");
  EXPECT_EQ(BearerKey(""), "");
  EXPECT_EQ(BearerKey("k"), "");
}

TEST(KeyRingTest, FindsWhoseAKeyIs) {
  KeyRing ring;
  ASSERT_TRUE(ring.Add(DigestOfKey("a"), 0).ok());
  ASSERT_TRUE(ring.Add(DigestOfKey("b"), 1).ok());
  EXPECT_EQ(ring.Find("a"), 0u);
  EXPECT_EQ(ring.Find("b"), 1u);
  EXPECT_EQ(ring.Find("c"), std::nullopt);
  EXPECT_EQ(ring.Find(""), std::nullopt);
  EXPECT_EQ(ring.size(), 2u);
}

TEST(KeyRingTest, TheEmptyKeyIsNobodys) {
  KeyRing ring;
  ASSERT_TRUE(ring.Add(DigestOfKey(""), 0).ok());
  EXPECT_EQ(ring.Find(""), std::nullopt);
}

TEST(KeyRingTest, TheWholeDigestCounts) {
  KeyDigest same_bucket = DigestOfKey("a");
  same_bucket.back() ^= 1;
  KeyRing ring;
  ASSERT_TRUE(ring.Add(same_bucket, 0).ok());
  EXPECT_EQ(ring.Find("a"), std::nullopt);
  ASSERT_TRUE(ring.Add(DigestOfKey("a"), 1).ok());
  EXPECT_EQ(ring.Find("a"), 1u);
}

TEST(KeyRingTest, AKeyHasOneOwner) {
  KeyRing ring;
  ASSERT_TRUE(ring.Add(DigestOfKey("a"), 0).ok());
  EXPECT_EQ(ring.Add(DigestOfKey("a"), 1).code(), absl::StatusCode::kAlreadyExists);
  EXPECT_EQ(ring.Find("a"), 0u);
}

}  // namespace
}  // namespace baleen
