#include "services/placement/client_outbox.h"

#include <gtest/gtest.h>

#include <map>
#include <string>

namespace baleen {
namespace {

using Digests = std::map<std::string, uint64_t>;

class DigestOutboxTest : public ::testing::Test {
 protected:
  // What a heartbeat carries when the worker gives these.
  Digests Sent(const Digests& given) {
    v1::HeartbeatRequest request;
    for (const auto& [name, value] : given) {
      v1::TensorDigest& digest = *request.add_digests();
      digest.set_name(name);
      digest.set_digest(value);
    }
    outbox_.Exchange(request);
    Digests sent;
    for (const v1::TensorDigest& digest : request.digests()) sent[digest.name()] = digest.digest();
    return sent;
  }

  DigestOutbox outbox_;
};

TEST_F(DigestOutboxTest, WhatIsGivenOnceIsSentUntilItIsAnswered) {
  EXPECT_EQ(Sent({{"a", 1}, {"b", 2}}), (Digests{{"a", 1}, {"b", 2}}));
  EXPECT_EQ(Sent({{"c", 3}}), (Digests{{"a", 1}, {"b", 2}, {"c", 3}}));
  outbox_.Answered();
  EXPECT_EQ(Sent({}), Digests());
}

TEST_F(DigestOutboxTest, OnlyWhatChangedIsSentAgain) {
  Sent({{"a", 1}, {"b", 2}});
  outbox_.Answered();
  EXPECT_EQ(Sent({{"a", 1}, {"b", 5}}), (Digests{{"b", 5}}));
}

TEST_F(DigestOutboxTest, AllIsSentAgainToAPlacementThatForgot) {
  Sent({{"a", 1}, {"b", 2}});
  outbox_.Answered();
  outbox_.SendAllAgain();
  EXPECT_EQ(Sent({}), (Digests{{"a", 1}, {"b", 2}}));
}

}  // namespace
}  // namespace baleen
