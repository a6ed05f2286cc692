#include "services/gateway/cluster_view/cluster_handler.h"

#include <gtest/gtest.h>

#include <boost/json.hpp>

#include "absl/strings/match.h"
#include "services/gateway/testing/fake_responder.h"

namespace baleen {
namespace {

namespace json = boost::json;

using Done = std::function<void(absl::StatusOr<v1::Activity>)>;

class StoppedClock : public Clock {
 public:
  absl::Time Now() override { return now; }
  void Sleep(absl::Duration) override {}
  absl::Time now = absl::FromUnixSeconds(1000);
};

std::shared_ptr<v1::ClusterMap> Map() {
  auto map = std::make_shared<v1::ClusterMap>();
  map->set_epoch(7);
  v1::Worker& decode = *map->add_workers();
  decode.mutable_info()->set_worker_id("decode-1");
  decode.mutable_info()->set_role(v1::ROLE_DECODE);
  decode.mutable_info()->set_address("10.0.0.1:9000");
  decode.set_running(3);
  v1::Worker& shard = *map->add_workers();
  shard.mutable_info()->set_worker_id("expert-1");
  shard.mutable_info()->set_role(v1::ROLE_EXPERT);
  shard.mutable_info()->set_moe_layers(2);
  shard.mutable_info()->set_first_moe_layer(1);
  shard.mutable_info()->set_experts(8);
  v1::ExpertRange& range = *shard.add_experts();
  range.set_layer(1);
  range.add_experts(2);
  range.add_experts(5);
  return map;
}

v1::Activity Counts() {
  v1::Activity activity;
  activity.set_pending_moves(4);
  v1::WorkerActivity& decode = *activity.add_workers();
  decode.set_worker_id("decode-1");
  decode.set_silent_ms(30);
  decode.mutable_attention()->set_generated_tokens(11);
  v1::WorkerActivity& shard = *activity.add_workers();
  shard.set_worker_id("expert-1");
  v1::ExpertRows& rows = *shard.add_rows();
  rows.set_layer(1);
  rows.add_experts(5);
  rows.add_rows(99);
  return activity;
}

class ClusterHandlerTest : public testing::Test {
 protected:
  // A stream's timer holds its responder.
  void TearDown() override {
    for (const auto& responder : responders_) responder->every = nullptr;
  }

  std::shared_ptr<FakeResponder> Call(const std::string& accept = "", const std::string& method = "GET") {
    HttpRequest request;
    request.method = method;
    if (!accept.empty()) request.headers.emplace_back("accept", accept);
    auto responder = std::make_shared<FakeResponder>();
    responders_.push_back(responder);
    status_ = handler_.Handle(request, responder);
    return responder;
  }

  void Answer(const absl::StatusOr<v1::Activity>& activity) {
    std::vector<Done> asked;
    asked.swap(asked_);
    for (const Done& done : asked) done(activity);
  }

  StoppedClock clock_;
  std::vector<Done> asked_;
  std::vector<std::shared_ptr<FakeResponder>> responders_;
  ClusterFeed feed_{{.model = "m", .map = [] { return Map(); }, .activity = [this](Done done) { asked_.push_back(std::move(done)); }},
                    &clock_};
  ClusterHandler handler_{&feed_};
  absl::Status status_;
};

TEST_F(ClusterHandlerTest, TheMapAndTheCountsAreOneDocument) {
  const auto answer = Call();
  Answer(Counts());
  ASSERT_EQ(answer->status, 200);
  const json::value document = json::parse(answer->body);
  EXPECT_EQ(document.at("placement"), json::value({{"answers", true}, {"epoch", 7}, {"pending_moves", 4}}));
  EXPECT_EQ(document.at("model"), json::value({{"id", "m"}, {"first_moe_layer", 1}, {"moe_layers", 2}, {"experts", 8}}));
  const json::value& decode = document.at("workers").at(0);
  EXPECT_EQ(decode.at("running"), 3);
  EXPECT_EQ(decode.at("silent_ms"), 30);
  EXPECT_EQ(decode.at("attention").at("generated_tokens"), 11);
  EXPECT_EQ(document.at("workers").at(1).at("experts").at(0), json::value({{"layer", 1}, {"experts", {2, 5}}, {"rows", {0, 99}}}));
  EXPECT_FALSE(absl::StrContains(answer->body, "10.0.0.1")) << "addresses are nobody's business";
}

TEST_F(ClusterHandlerTest, AHeadOfAStreamHasNoStream) {
  const auto answer = Call("text/event-stream", "HEAD");
  EXPECT_EQ(answer->Header("content-type"), "text/event-stream");
  EXPECT_TRUE(answer->ended);
  EXPECT_TRUE(asked_.empty());
}

TEST_F(ClusterHandlerTest, WithoutPlacementThereIsStillTheMap) {
  const auto answer = Call();
  Answer(absl::UnavailableError("gone"));
  const json::value document = json::parse(answer->body);
  EXPECT_EQ(document.at("placement").at("answers"), false);
  EXPECT_TRUE(document.at("workers").at(0).at("silent_ms").is_null());
  EXPECT_EQ(document.at("workers").as_array().size(), 2u);
}

TEST_F(ClusterHandlerTest, PlacementIsAskedOnceForAll) {
  const auto first = Call(), second = Call();
  EXPECT_EQ(asked_.size(), 1u);
  Answer(Counts());
  EXPECT_EQ(first->body, second->body);
  const auto third = Call();
  EXPECT_EQ(third->status, 200);
  EXPECT_TRUE(asked_.empty());
  clock_.now += absl::Seconds(1);
  Call();
  EXPECT_EQ(asked_.size(), 1u);
}

TEST_F(ClusterHandlerTest, AStreamGoesOn) {
  const auto answer = Call("text/event-stream");
  EXPECT_EQ(answer->Header("content-type"), "text/event-stream");
  Answer(Counts());
  const std::string once = answer->body;
  EXPECT_TRUE(absl::StartsWith(once, "data: {"));
  EXPECT_TRUE(absl::EndsWith(once, "}\n\n"));
  EXPECT_TRUE(answer->every());
  EXPECT_EQ(answer->body, once + once);
  EXPECT_FALSE(answer->ended);
}

TEST_F(ClusterHandlerTest, StreamsEndWhenTheyAreTo) {
  const auto answer = Call("text/event-stream");
  Answer(Counts());
  handler_.EndStreams();
  EXPECT_FALSE(answer->every());
  EXPECT_TRUE(answer->ended);
  EXPECT_TRUE(Call("text/event-stream")->ended);
}

TEST_F(ClusterHandlerTest, WatchersAreCounted) {
  for (int i = 0; i < ClusterHandler::kMaxWatchers; ++i) Call("text/event-stream");
  EXPECT_TRUE(status_.ok());
  Call("text/event-stream");
  EXPECT_EQ(status_.code(), absl::StatusCode::kResourceExhausted);
  Answer(Counts());
  responders_.front()->every = nullptr;
  responders_.front()->backpressure = nullptr;
  Call("text/event-stream");
  EXPECT_TRUE(status_.ok()) << "a place is free when a watcher has gone";
}

TEST_F(ClusterHandlerTest, ASlowWatcherMissesDocuments) {
  const auto answer = Call("text/event-stream");
  Answer(Counts());
  const size_t once = answer->body.size();
  answer->backpressure(true);
  answer->every();
  EXPECT_EQ(answer->body.size(), once);
  answer->backpressure(false);
  answer->every();
  EXPECT_EQ(answer->body.size(), 2 * once);
}

}  // namespace
}  // namespace baleen
