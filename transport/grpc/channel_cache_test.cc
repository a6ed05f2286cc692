#include "transport/grpc/channel_cache.h"

#include <grpcpp/create_channel.h>
#include <gtest/gtest.h>

#include <set>

#include "absl/strings/str_cat.h"

namespace baleen {
namespace {

// Channels that are severed on request.
class Severable final : public SeverableCredentials {
 public:
  void Sever(const grpc::Channel* channel) { severed_.insert(channel); }
  bool Severed(const grpc::Channel& channel) const override { return severed_.contains(&channel); }

 private:
  std::shared_ptr<grpc::Channel> CreateChannelImpl(const std::string& target, const grpc::ChannelArguments& arguments) override {
    return grpc::CreateCustomChannel(target, grpc::InsecureChannelCredentials(), arguments);
  }
  grpc::SecureChannelCredentials* AsSecureCredentials() override { return nullptr; }

  std::set<const grpc::Channel*> severed_;
};

std::shared_ptr<grpc::Channel> Make(const std::shared_ptr<grpc::ChannelCredentials>& credentials) {
  return grpc::CreateChannel("127.0.0.1:1", credentials != nullptr ? credentials : grpc::InsecureChannelCredentials());
}

TEST(ChannelCacheTest, OneChannelAKey) {
  ChannelCache cache(nullptr);
  const auto channel = cache.Get("a", Make);
  EXPECT_EQ(cache.Get("a", Make), channel);
  EXPECT_NE(cache.Get("b", Make), channel);
}

TEST(ChannelCacheTest, ASeveredChannelIsReplacedAndKeptWhileItIsUsed) {
  const auto credentials = std::make_shared<Severable>();
  ChannelCache cache(credentials);
  auto channel = cache.Get("a", Make);
  const auto other = cache.Get("b", Make);
  credentials->Sever(channel.get());
  const auto next = cache.Get("a", Make);
  EXPECT_NE(next, channel);
  EXPECT_EQ(cache.Get("a", Make), next);
  EXPECT_EQ(cache.Get("b", Make), other);

  const std::weak_ptr<grpc::Channel> severed = channel;
  EXPECT_EQ(severed.use_count(), 2);
  channel.reset();
  EXPECT_FALSE(severed.expired());
  cache.Get("b", Make);
  EXPECT_TRUE(severed.expired());
}

TEST(ChannelCacheTest, BeyondTheLimitThoseThatNobodyUsesGo) {
  ChannelCache cache(nullptr);
  const auto used = cache.Get("used", Make);
  const std::weak_ptr<grpc::Channel> unused = cache.Get("unused", Make);
  for (size_t i = 0; i < ChannelCache::kMaxIdle - 2; ++i) cache.Get(absl::StrCat(i), Make);
  EXPECT_FALSE(unused.expired());
  cache.Get("one more", Make);
  EXPECT_TRUE(unused.expired());
  EXPECT_EQ(cache.Get("used", Make), used);
}

}  // namespace
}  // namespace baleen
