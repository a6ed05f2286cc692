#include "services/gateway/guardrail/remote_guard.h"

#include <grpcpp/grpcpp.h>
#include <gtest/gtest.h>

#include <condition_variable>
#include <mutex>
#include <utility>

#include "proto/baleen/v1/guardrail.grpc.pb.h"

namespace baleen {
namespace {

// Blocks what holds the word "bad", passes what is before a '.', and may end calls or say nothing.
class FakeService final : public v1::Guardrail::Service {
 public:
  grpc::Status Check(grpc::ServerContext*, grpc::ServerReaderWriter<v1::CheckResponse, v1::CheckRequest>* stream) override {
    std::unique_lock<std::mutex> lock(mutex_);
    ++calls;
    if (ends) return {grpc::StatusCode::UNAVAILABLE, "restarting"};
    lock.unlock();
    std::string text;
    uint64_t passed = 0;
    for (v1::CheckRequest request; stream->Read(&request);) {
      lock.lock();
      if (request.has_prompt()) last_prompt = request.prompt();
      const bool breaks = breaks_after > 0 && --breaks_after == 0;
      const bool answers = !silent;
      lock.unlock();
      if (breaks) return {grpc::StatusCode::UNAVAILABLE, "restarting"};
      v1::CheckResponse response;
      text += request.has_prompt() ? request.prompt().text() : request.output().text();
      passed += request.has_output();
      const bool bad = text.find("bad") != std::string::npos;
      response.set_verdict(bad ? v1::VERDICT_BLOCK : v1::VERDICT_ALLOW);
      if (bad) response.set_category("bad_words");
      response.set_passed(passed);
      response.add_noted("seen");
      if (answers && !stream->Write(response)) break;
    }
    return grpc::Status::OK;
  }

  int calls = 0;
  int breaks_after = 0;  // Messages; 0 = never.
  bool ends = false;     // Every call, at once.
  bool silent = false;
  v1::GuardedPrompt last_prompt;

 private:
  std::mutex mutex_;
};

class RemoteGuardTest : public testing::Test {
 protected:
  void SetUp() override {
    grpc::ServerBuilder builder;
    int port = 0;
    builder.AddListeningPort("127.0.0.1:0", grpc::InsecureServerCredentials(), &port);
    builder.RegisterService(&service_);
    server_ = builder.BuildAndStart();
    Connect(port, absl::Seconds(20));
  }

  void TearDown() override {
    session_.reset();
    guard_.reset();
    server_->Shutdown();
  }

  void Connect(int port, absl::Duration timeout) {
    session_.reset();
    port_ = port;
    guard_ = MakeRemoteGuard({"127.0.0.1:" + std::to_string(port), "abacus", timeout});
    session_ = guard_->Open("0123456789abcdef");
  }

  GuardDone Collect() {
    return [this](GuardVerdict verdict) {
      const std::lock_guard<std::mutex> lock(mutex_);
      verdicts_.push_back(std::move(verdict));
      changed_.notify_all();
    };
  }
  bool Wait(size_t count) {
    std::unique_lock<std::mutex> lock(mutex_);
    return changed_.wait_for(lock, std::chrono::seconds(30), [this, count] { return verdicts_.size() >= count; });
  }

  FakeService service_;
  std::unique_ptr<grpc::Server> server_;
  int port_ = 0;
  std::unique_ptr<Guard> guard_;
  std::shared_ptr<GuardSession> session_;
  std::mutex mutex_;
  std::condition_variable changed_;
  std::vector<GuardVerdict> verdicts_;
};

TEST_F(RemoteGuardTest, AsksOnceForEachTextOverOneCall) {
  session_->CheckPrompt(PrivateText("hello"), Collect());
  ASSERT_TRUE(Wait(1));
  for (int i = 0; i < 20; ++i) session_->CheckOutput({1, GuardChannel::kText, 0, PrivateText("x"), i == 19}, Collect());
  ASSERT_TRUE(Wait(21));
  for (uint64_t i = 0; i < 21; ++i) {
    EXPECT_TRUE(verdicts_[i].status.ok()) << verdicts_[i].status;
    EXPECT_EQ(verdicts_[i].passed, i);
    EXPECT_EQ(verdicts_[i].noted, std::vector<std::string>{"seen"});
  }
  session_.reset();
  EXPECT_EQ(service_.calls, 1);
  EXPECT_EQ(service_.last_prompt.model(), "abacus");
  EXPECT_EQ(service_.last_prompt.request_id(), "0123456789abcdef");
}

TEST_F(RemoteGuardTest, ABlockHasItsCategory) {
  session_->CheckPrompt(PrivateText("a bad word"), Collect());
  ASSERT_TRUE(Wait(1));
  EXPECT_TRUE(verdicts_[0].block);
  EXPECT_EQ(verdicts_[0].category, "bad_words");
}

TEST_F(RemoteGuardTest, ABrokenCallIsMadeAgainWithTheSameTexts) {
  service_.breaks_after = 3;
  session_->CheckPrompt(PrivateText("a ba"), Collect());
  for (const char* text : {"x", "y", "ba"}) session_->CheckOutput({0, GuardChannel::kText, 0, PrivateText(text), false}, Collect());
  session_->CheckOutput({0, GuardChannel::kText, 0, PrivateText("d"), true}, Collect());
  ASSERT_TRUE(Wait(5));
  for (uint64_t i = 0; i < 5; ++i) {
    EXPECT_TRUE(verdicts_[i].status.ok()) << verdicts_[i].status;
    EXPECT_EQ(verdicts_[i].passed, i);
    EXPECT_EQ(verdicts_[i].block, i == 4);
  }
  EXPECT_EQ(service_.calls, 2);
}

TEST_F(RemoteGuardTest, AGuardThatKeepsEndingCallsFails) {
  service_.ends = true;
  session_->CheckPrompt(PrivateText("hello"), Collect());
  ASSERT_TRUE(Wait(1));
  EXPECT_EQ(verdicts_[0].status.code(), absl::StatusCode::kUnavailable);
  EXPECT_EQ(service_.calls, 3);
}

TEST_F(RemoteGuardTest, ASilentGuardFailsAllChecksOfTheRequest) {
  service_.silent = true;
  Connect(port_, absl::Milliseconds(200));
  session_->CheckPrompt(PrivateText("hello"), Collect());
  session_->CheckOutput({}, Collect());
  ASSERT_TRUE(Wait(2));
  EXPECT_EQ(verdicts_[0].status.code(), absl::StatusCode::kDeadlineExceeded);
  EXPECT_EQ(verdicts_[1].status.code(), absl::StatusCode::kDeadlineExceeded);
  session_->CheckOutput({}, Collect());
  ASSERT_EQ(verdicts_.size(), 3u);
  EXPECT_FALSE(verdicts_[2].status.ok());
}

TEST_F(RemoteGuardTest, AnAbsentGuardFailsInTime) {
  server_->Shutdown();
  Connect(port_, absl::Milliseconds(100));
  session_->CheckPrompt(PrivateText("hello"), Collect());
  ASSERT_TRUE(Wait(1));
  EXPECT_EQ(verdicts_[0].status.code(), absl::StatusCode::kDeadlineExceeded);
}

TEST_F(RemoteGuardTest, NothingFollowsCancel) {
  service_.silent = true;
  session_->CheckPrompt(PrivateText("hello"), Collect());
  session_->Cancel();
  session_.reset();
  guard_.reset();  // Waits for the call's end.
  EXPECT_TRUE(verdicts_.empty());
}

}  // namespace
}  // namespace baleen
