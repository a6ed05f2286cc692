#include "services/gateway/http/http_server.h"

#include <arpa/inet.h>
#include <gtest/gtest.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <condition_variable>
#include <mutex>
#include <optional>
#include <string>
#include <thread>
#include <utility>

#include "absl/time/time.h"
#include "base/clock.h"
#include "services/common/testing/last_descriptor.h"

namespace baleen {
namespace {

// A plain client socket.
class Client {
 public:
  explicit Client(int port, int receive_buffer_bytes = 0) : socket_(socket(AF_INET, SOCK_STREAM, 0)) {
    if (receive_buffer_bytes > 0) setsockopt(socket_, SOL_SOCKET, SO_RCVBUF, &receive_buffer_bytes, sizeof(receive_buffer_bytes));
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(static_cast<uint16_t>(port));
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    EXPECT_EQ(connect(socket_, reinterpret_cast<sockaddr*>(&address), sizeof(address)), 0);
  }
  ~Client() { Close(); }

  void Send(const std::string& text) {
    EXPECT_EQ(send(socket_, text.data(), text.size(), MSG_NOSIGNAL), static_cast<ssize_t>(text.size()));
  }

  // Reads until `text` has appeared or the peer closes.
  std::string ReadUntil(const std::string& text) {
    char buffer[4096];
    while (received_.find(text) == std::string::npos) {
      const ssize_t got = recv(socket_, buffer, sizeof(buffer), 0);
      if (got <= 0) break;
      received_.append(buffer, static_cast<size_t>(got));
    }
    return std::exchange(received_, "");
  }

  // Sends up to so many bytes; false when the peer would take no more.
  bool SendMuch(size_t bytes) {
    const std::string piece(64 << 10, 'x');
    for (size_t sent = 0; sent < bytes;) {
      const ssize_t taken = send(socket_, piece.data(), std::min(piece.size(), bytes - sent), MSG_NOSIGNAL);
      if (taken <= 0) return false;
      sent += static_cast<size_t>(taken);
    }
    return true;
  }

  // Reads so many bytes; fewer when the peer closes.
  size_t Skip(size_t bytes) {
    std::string piece(bytes, ' ');
    const ssize_t got = recv(socket_, piece.data(), bytes, MSG_WAITALL);
    return got < 0 ? 0 : static_cast<size_t>(got);
  }

  // Reads until the peer closes.
  std::string ReadAll() { return ReadUntil("no such text"); }

  void Close() {
    if (socket_ >= 0) close(std::exchange(socket_, -1));
  }

 private:
  int socket_;
  std::string received_;
};

class Flag {
 public:
  void Set() {
    const std::lock_guard<std::mutex> lock(mutex_);
    set_ = true;
    changed_.notify_all();
  }
  bool Wait() {
    std::unique_lock<std::mutex> lock(mutex_);
    return changed_.wait_for(lock, std::chrono::seconds(10), [this] { return set_; });
  }

 private:
  std::mutex mutex_;
  std::condition_variable changed_;
  bool set_ = false;
};

TEST(HttpServerTest, AnswersSeveralRequestsOnAConnection) {
  HttpServer server({}, [](HttpRequest request, std::shared_ptr<HttpResponder> responder) {
    responder->Respond(200, {{"x-name", request.Header("x-name")}}, request.method + " " + request.path + " " + request.body.reveal());
  });
  ASSERT_TRUE(server.Start().ok());
  Client client(server.port());
  client.Send("GET /a?q=1 HTTP/1.1\r\nHost: x\r\nX-Name: n\r\n\r\n");
  const std::string first = client.ReadUntil("GET /a ");
  EXPECT_NE(first.find("x-name: n"), std::string::npos) << first;
  client.Send("POST /b HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\n\r\nabc");
  EXPECT_NE(client.ReadUntil("POST /b abc").find("POST /b abc"), std::string::npos);
}

TEST(HttpServerTest, WaitsForADescriptorAtRest) {
  HttpServer server({}, [](HttpRequest, std::shared_ptr<HttpResponder> responder) { responder->Respond(200, {}, "here"); });
  ASSERT_TRUE(server.Start().ok());
  std::optional<LastDescriptor> last(std::in_place);
  Client client(server.port());  // Has it.
  EXPECT_LT(CpuTimeMeanwhile(), absl::Milliseconds(150));
  last.reset();
  client.Send("GET / HTTP/1.1\r\nHost: x\r\n\r\n");
  EXPECT_NE(client.ReadUntil("here").find("here"), std::string::npos);
}

void StreamTwoLines(HttpRequest, std::shared_ptr<HttpResponder> responder) {
  responder->BeginStream({{"content-type", "text/event-stream"}});
  responder->Write("one\n");
  responder->Write("two\n");
  responder->EndStream();
}

TEST(HttpServerTest, StreamsInChunks) {
  HttpServer server({}, StreamTwoLines);
  ASSERT_TRUE(server.Start().ok());
  Client client(server.port());
  client.Send("GET / HTTP/1.1\r\nHost: x\r\n\r\n");
  const std::string answer = client.ReadUntil("\r\n0\r\n\r\n");
  EXPECT_NE(answer.find("one\n"), std::string::npos) << answer;
  EXPECT_NE(answer.find("two\n"), std::string::npos) << answer;
}

TEST(HttpServerTest, WhatComesAfterAnAnswersEndIsNoPartOfTheNext) {
  std::shared_ptr<HttpResponder> first;
  HttpServer server({}, [&](HttpRequest request, std::shared_ptr<HttpResponder> responder) {
    if (request.path == "/whole") {
      responder->Respond(200, {}, "whole");
      return responder->Write("late");
    }
    const auto speak_late = [&first] {
      first->Write("late");
      first->EndStream();
    };
    if (first != nullptr) speak_late();
    responder->BeginStream({});
    responder->Write("piece");
    responder->EndStream();
    if (first == nullptr) first = std::move(responder);
    speak_late();
  });
  ASSERT_TRUE(server.Start().ok());
  Client client(server.port());
  for (const char* request :
       {"GET / HTTP/1.1\r\nHost: x\r\n\r\n", "GET /whole HTTP/1.1\r\nHost: x\r\n\r\nGET / HTTP/1.1\r\nHost: x\r\n\r\n"}) {
    client.Send(request);
    const std::string answers = client.ReadUntil("\r\n0\r\n\r\n");
    EXPECT_NE(answers.find("\r\n\r\n5\r\npiece\r\n0\r\n\r\n"), std::string::npos) << answers;
    EXPECT_EQ(answers.find("late"), std::string::npos) << answers;
  }
  first.reset();
}

TEST(HttpServerTest, AStreamToHttp10HasNoChunksAndEndsWithItsConnection) {
  HttpServer server({}, StreamTwoLines);
  ASSERT_TRUE(server.Start().ok());
  for (const char* header : {"", "Connection: keep-alive\r\n"}) {
    Client client(server.port());
    client.Send(std::string("GET / HTTP/1.0\r\n") + header + "\r\n");
    const std::string answer = client.ReadAll();
    EXPECT_EQ(answer.find("chunked"), std::string::npos) << answer;
    EXPECT_EQ(answer.find("keep-alive"), std::string::npos) << answer;
    EXPECT_EQ(answer.substr(answer.find("\r\n\r\n")), "\r\n\r\none\ntwo\n");
  }
}

TEST(HttpServerTest, AWholeAnswerToHttp10KeepsTheConnectionOnlyWhenAsked) {
  HttpServer server({}, [](HttpRequest request, std::shared_ptr<HttpResponder> responder) { responder->Respond(200, {}, request.path); });
  ASSERT_TRUE(server.Start().ok());
  Client client(server.port());
  client.Send("GET /a HTTP/1.0\r\nConnection: keep-alive\r\n\r\n");
  EXPECT_NE(client.ReadUntil("/a").find("keep-alive"), std::string::npos);
  client.Send("GET /b HTTP/1.0\r\n\r\n");
  EXPECT_NE(client.ReadAll().find("/b"), std::string::npos);
}

// What the server says before anything of the body is sent, and what it says then.
std::pair<std::string, std::string> SendExpecting(int port, const std::string& header, const std::string& body) {
  Client client(port);
  client.Send("POST /a HTTP/1.1\r\nHost: x\r\nContent-Length: " + std::to_string(body.size()) + "\r\n" + header + "\r\n");
  std::string first = client.ReadUntil("\r\n\r\n");
  client.Send(body);
  return {std::move(first), client.ReadUntil(body)};
}

TEST(HttpServerTest, AClientThatWaitsToSendItsBodyIsToldToGoOn) {
  HttpServerOptions options;
  options.body_limit_bytes = 100;
  HttpServer server(
      options, [](HttpRequest request, std::shared_ptr<HttpResponder> responder) { responder->Respond(200, {}, request.body.reveal()); });
  ASSERT_TRUE(server.Start().ok());
  const auto [first, answer] = SendExpecting(server.port(), "Expect: 100-continue\r\n", "body");
  EXPECT_EQ(first, "HTTP/1.1 100 Continue\r\n\r\n");
  EXPECT_EQ(answer.find("HTTP/1.1 200"), 0) << answer;
  const auto [refusal, nothing] = SendExpecting(server.port(), "Expect: 100-continue\r\n", std::string(101, 'x'));
  EXPECT_EQ(refusal.find("HTTP/1.1 413"), 0) << refusal;
  const auto [unknown, no_more] = SendExpecting(server.port(), "Expect: tea\r\n", "body");
  EXPECT_EQ(unknown.find("HTTP/1.1 417"), 0) << unknown;
}

TEST(HttpServerTest, ABodyThatComesUnaskedNeedsNoWord) {
  HttpServer server(
      {}, [](HttpRequest request, std::shared_ptr<HttpResponder> responder) { responder->Respond(200, {}, request.body.reveal()); });
  ASSERT_TRUE(server.Start().ok());
  Client client(server.port());
  client.Send("POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 4\r\nExpect: 100-continue\r\n\r\nbody");
  const std::string answer = client.ReadUntil("body");
  EXPECT_EQ(answer.find("HTTP/1.1 200"), 0) << answer;
}

TEST(HttpServerTest, WhatNobodyUnderstandsEndsTheConnection) {
  HttpServer server({}, [](HttpRequest request, std::shared_ptr<HttpResponder> responder) { responder->Respond(200, {}, request.path); });
  ASSERT_TRUE(server.Start().ok());
  const std::pair<const char*, const char*> refused[] = {{"GET / HTTP/1.1\r\n\r\n", " 400 "},
                                                         {"GET /%zz HTTP/1.1\r\nHost: x\r\n\r\n", " 400 "},
                                                         {"POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: gzip\r\n\r\nxyz", " 501 "}};
  for (const auto& [request, status] : refused) {
    Client client(server.port());
    client.Send(request);
    const std::string answer = client.ReadAll();
    EXPECT_NE(answer.find(status), std::string::npos) << answer;
    EXPECT_NE(answer.find(R"("error":{"message":")"), std::string::npos) << answer;
  }
}

TEST(HttpServerTest, AnswersAreDated) {
  HttpServer server({}, [](HttpRequest request, std::shared_ptr<HttpResponder> responder) {
    if (request.path == "/stream") return StreamTwoLines(std::move(request), std::move(responder));
    responder->Respond(200, {}, "body");
  });
  ASSERT_TRUE(server.Start().ok());
  for (const char* request : {"GET /stream HTTP/1.1\r\nHost: x\r\n\r\n", "GET / HTTP/1.1\r\nHost: x\r\n\r\n", "nonsense\r\n\r\n"}) {
    Client client(server.port());
    client.Send(request);
    const std::string answer = client.ReadUntil("\r\n\r\n");
    EXPECT_NE(answer.find("\r\nDate: "), std::string::npos) << answer;
  }
}

TEST(HttpServerTest, AnswersHeadWithoutABody) {
  HttpServer server({}, [](HttpRequest request, std::shared_ptr<HttpResponder> responder) {
    if (request.path != "/stream") return responder->Respond(200, {{"x-path", request.path}}, "body");
    responder->BeginStream({});
    responder->Write("body");
    responder->EndStream();
  });
  ASSERT_TRUE(server.Start().ok());
  for (const char* path : {"/whole", "/stream"}) {
    Client client(server.port());
    client.Send(std::string("HEAD ") + path + " HTTP/1.1\r\nHost: x\r\n\r\nGET /next HTTP/1.1\r\nHost: x\r\n\r\n");
    const std::string answers = client.ReadUntil("body");
    const size_t end = answers.find("\r\n\r\n");
    ASSERT_NE(end, std::string::npos) << answers;
    EXPECT_EQ(answers.compare(end + 4, 5, "HTTP/"), 0) << answers;
    EXPECT_NE(answers.find("x-path: /next"), std::string::npos) << answers;
  }
}

TEST(HttpServerTest, TellsOfADisconnect) {
  Flag disconnected;
  std::shared_ptr<HttpResponder> kept;
  HttpServer server({}, [&](HttpRequest, std::shared_ptr<HttpResponder> responder) {
    responder->OnDisconnect([&] { disconnected.Set(); });
    responder->BeginStream({});
    responder->Write("begun");
    kept = responder;
  });
  ASSERT_TRUE(server.Start().ok());
  Client client(server.port());
  client.Send("GET / HTTP/1.1\r\nHost: x\r\n\r\n");
  client.ReadUntil("begun");
  client.Close();
  EXPECT_TRUE(disconnected.Wait());
  kept.reset();
}

TEST(HttpServerTest, ASlowReaderHoldsItsSourceBack) {
  Flag slow, caught_up;
  std::shared_ptr<HttpResponder> kept;
  HttpServer server({}, [&](HttpRequest, std::shared_ptr<HttpResponder> responder) {
    responder->OnBackpressure([&](bool is_slow) { is_slow ? slow.Set() : caught_up.Set(); });
    responder->BeginStream({});
    for (int i = 0; i < 300; ++i) responder->Write(std::string(3 << 10, 'x'));
    kept = responder;
  });
  ASSERT_TRUE(server.Start().ok());
  Client client(server.port(), /*receive_buffer_bytes=*/4 << 10);
  client.Send("GET / HTTP/1.1\r\nHost: x\r\n\r\n");
  ASSERT_TRUE(slow.Wait());
  kept->Write("last");
  client.ReadUntil("last");
  EXPECT_TRUE(caught_up.Wait());
  kept.reset();
}

TEST(HttpServerTest, APieceMayBeLarge) {
  constexpr size_t kPiece = 2 << 20;
  HttpServer server({}, [](HttpRequest, std::shared_ptr<HttpResponder> responder) {
    responder->BeginStream({});
    responder->Write(std::string(kPiece, 'x'));
    responder->EndStream();
  });
  ASSERT_TRUE(server.Start().ok());
  Client client(server.port());
  client.Send("GET / HTTP/1.1\r\nHost: x\r\n\r\n");
  const std::string answer = client.ReadUntil("\r\n0\r\n\r\n");
  EXPECT_EQ(std::count(answer.begin() + static_cast<std::ptrdiff_t>(answer.find("\r\n\r\n")), answer.end(), 'x'), kPiece);
}

TEST(HttpServerTest, WhoReadsSlowlyGetsAll) {
  constexpr size_t kPiece = 512 << 10;
  constexpr size_t kPieces = 16;
  HttpServerOptions options;
  options.read_timeout_s = options.write_timeout_s = 4;
  HttpServer server(options, [](HttpRequest, std::shared_ptr<HttpResponder> responder) {
    responder->Respond(200, {}, std::string(kPieces * kPiece, 'x'));
  });
  ASSERT_TRUE(server.Start().ok());
  // Windows that are smaller than a packet would be waited for longer and longer.
  Client client(server.port(), /*receive_buffer_bytes=*/128 << 10);
  client.Send("GET / HTTP/1.1\r\nHost: x\r\n\r\n");
  for (size_t i = 0; i < kPieces; ++i) {
    Clock::Real()->Sleep(absl::Milliseconds(350));
    ASSERT_EQ(client.Skip(kPiece), kPiece) << i;
  }
}

TEST(HttpServerTest, WhoReadsNothingIsLetGo) {
  const std::string much(1 << 20, 'x');
  Flag whole_gone, stream_gone;
  HttpServerOptions options;
  options.write_timeout_s = 1;
  HttpServer server(options, [&](HttpRequest request, std::shared_ptr<HttpResponder> responder) {
    if (request.path == "/whole") {
      responder->OnDisconnect([&] { whole_gone.Set(); });
      // Behind the callback above, which is set by a task of its own.
      return responder->Every(absl::ZeroDuration(), [&, responder] {
        responder->Respond(200, {}, much);
        return false;
      });
    }
    responder->OnDisconnect([&] { stream_gone.Set(); });
    responder->BeginStream({});
    responder->Write(much);
  });
  ASSERT_TRUE(server.Start().ok());
  Client whole(server.port(), /*receive_buffer_bytes=*/4 << 10), stream(server.port(), /*receive_buffer_bytes=*/4 << 10);
  whole.Send("GET /whole HTTP/1.1\r\nHost: x\r\n\r\n");
  stream.Send("GET / HTTP/1.1\r\nHost: x\r\n\r\n");
  EXPECT_TRUE(whole_gone.Wait());
  EXPECT_TRUE(stream_gone.Wait());
}

TEST(HttpServerTest, ABodyHasItsOwnTimeWhateverItsConnectionWaitedBefore) {
  HttpServerOptions options;
  options.idle_timeout_s = 4;
  HttpServer server(
      options, [](HttpRequest request, std::shared_ptr<HttpResponder> responder) { responder->Respond(200, {}, request.body.reveal()); });
  ASSERT_TRUE(server.Start().ok());
  Client client(server.port());
  Clock::Real()->Sleep(absl::Seconds(2));
  client.Send("POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 4\r\n\r\n");
  Clock::Real()->Sleep(absl::Milliseconds(2500));
  client.Send("body");
  EXPECT_NE(client.ReadUntil("body").find(" 200 "), std::string::npos);
}

TEST(HttpServerTest, CallsBackUntilToldToStop) {
  HttpServer server({}, [](HttpRequest, std::shared_ptr<HttpResponder> responder) {
    auto calls = std::make_shared<int>(0);
    responder->BeginStream({});
    responder->Every(absl::Milliseconds(1), [calls, responder] {
      responder->Write("call " + std::to_string(++*calls));
      if (*calls < 3) return true;
      responder->EndStream();
      return false;
    });
  });
  ASSERT_TRUE(server.Start().ok());
  Client client(server.port());
  client.Send("GET / HTTP/1.1\r\nHost: x\r\n\r\n");
  EXPECT_NE(client.ReadUntil("\r\n0\r\n\r\n").find("call 3"), std::string::npos);
}

TEST(HttpServerTest, RefusesWhatIsTooLarge) {
  HttpServerOptions options;
  options.body_limit_bytes = 100;
  HttpServer server(options, [](HttpRequest, std::shared_ptr<HttpResponder> responder) { responder->Respond(200, {}, "ok"); });
  ASSERT_TRUE(server.Start().ok());
  Client big_body(server.port());
  big_body.Send("POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 1000\r\n\r\n");
  const std::string too_big = big_body.ReadAll();
  EXPECT_NE(too_big.find(" 413 "), std::string::npos) << too_big;
  EXPECT_NE(too_big.find("larger than 100 bytes."), std::string::npos) << too_big;
  Client big_header(server.port());
  big_header.Send("GET / HTTP/1.1\r\nHost: x\r\nX: " + std::string(20000, 'a') + "\r\n\r\n");
  const std::string too_long = big_header.ReadUntil("}}");
  EXPECT_NE(too_long.find(" 431 "), std::string::npos) << too_long;
  EXPECT_NE(too_long.find("larger than 16 KiB."), std::string::npos) << too_long;
  Client nonsense(server.port());
  nonsense.Send("hello there\r\n\r\n");
  EXPECT_NE(nonsense.ReadUntil("\r\n\r\n").find(" 400 "), std::string::npos);
}

TEST(HttpServerTest, ARefusalReachesAClientThatIsStillSending) {
  HttpServerOptions options;
  options.body_limit_bytes = 100;
  HttpServer server(options, [](HttpRequest, std::shared_ptr<HttpResponder>) {});
  ASSERT_TRUE(server.Start().ok());
  constexpr size_t kBody = 8 << 20;  // More than sockets hold.
  Client client(server.port());
  client.Send("POST / HTTP/1.1\r\nHost: x\r\nContent-Length: " + std::to_string(kBody) + "\r\n\r\n");
  EXPECT_TRUE(client.SendMuch(kBody));
  EXPECT_NE(client.ReadAll().find(" 413 "), std::string::npos);
}

TEST(HttpServerTest, ARefusedClientIsNotReadForEver) {
  HttpServerOptions options;
  options.body_limit_bytes = 100;
  HttpServer server(options, [](HttpRequest, std::shared_ptr<HttpResponder>) {});
  ASSERT_TRUE(server.Start().ok());
  constexpr size_t kBody = size_t{1} << 30;
  Client client(server.port());
  client.Send("POST / HTTP/1.1\r\nHost: x\r\nContent-Length: " + std::to_string(kBody) + "\r\n\r\n");
  EXPECT_FALSE(client.SendMuch(kBody));
}

// Answers when a test says so; /livez at once.
class HeldAnswers {
 public:
  explicit HeldAnswers(HttpServerOptions options = {})
      : server_(options, [this](HttpRequest request, std::shared_ptr<HttpResponder> responder) {
          if (request.path == "/livez") return responder->Respond(200, {}, "alive");
          body_ = request.body.reveal();
          responder_ = std::move(responder);
          asked_.Set();
        }) {
    EXPECT_TRUE(server_.Start().ok());
  }

  HttpServer& server() { return server_; }
  // The answer to a request that has come.
  std::shared_ptr<HttpResponder> Take() {
    EXPECT_TRUE(asked_.Wait());
    return std::exchange(responder_, nullptr);
  }
  const std::string& body() const { return body_; }

 private:
  Flag asked_;
  std::string body_;
  std::shared_ptr<HttpResponder> responder_;
  HttpServer server_;
};

constexpr char kAlive[] = "GET /livez HTTP/1.1\r\nHost: x\r\n\r\n";

void WaitUntilEmpty(const HttpServer& server) {
  while (server.connections() > 0) std::this_thread::yield();
}

TEST(HttpServerTest, ConnectionsAtRestCloseWhenNoMoreIsAccepted) {
  HeldAnswers answers;
  Client used(answers.server().port());
  used.Send(kAlive);
  EXPECT_NE(used.ReadUntil("alive").find(" 200 "), std::string::npos);
  EXPECT_EQ(answers.server().connections(), 1u);
  answers.server().StopAccepting();
  EXPECT_EQ(used.ReadAll(), "");
  WaitUntilEmpty(answers.server());
}

TEST(HttpServerTest, WhatIsUnderWayWhenNoMoreIsAcceptedIsTheLastOfItsConnection) {
  for (const bool streamed : {false, true}) {
    HeldAnswers answers;
    Client client(answers.server().port());
    client.Send("GET / HTTP/1.1\r\nHost: x\r\n\r\n");
    const std::shared_ptr<HttpResponder> responder = answers.Take();
    answers.server().StopAccepting();
    answers.server().StopAccepting();
    EXPECT_EQ(answers.server().connections(), 1u);
    if (streamed) {
      responder->BeginStream({});
      responder->Write("whole");
      responder->EndStream();
    } else {
      responder->Respond(200, {}, "whole");
    }
    const std::string answer = client.ReadAll();
    EXPECT_NE(answer.find("Connection: close"), std::string::npos) << answer;
    EXPECT_NE(answer.find("whole"), std::string::npos) << answer;
  }
}

TEST(HttpServerTest, AStreamThatBeganBeforeEndsItsConnection) {
  HeldAnswers answers;
  Client client(answers.server().port());
  client.Send("GET / HTTP/1.1\r\nHost: x\r\n\r\n");
  std::shared_ptr<HttpResponder> responder = answers.Take();
  responder->BeginStream({});
  responder->Write("one");
  client.ReadUntil("one");
  answers.server().StopAccepting();
  responder->Write("two");
  responder->EndStream();
  responder.reset();
  const std::string rest = client.ReadAll();
  EXPECT_NE(rest.find("two\r\n0\r\n\r\n"), std::string::npos) << rest;
  WaitUntilEmpty(answers.server());
}

TEST(HttpServerTest, ARequestThatHasBegunIsAnsweredWhenNoMoreIsAccepted) {
  HeldAnswers answers;
  Client client(answers.server().port());
  client.Send(kAlive);
  client.ReadUntil("alive");
  client.Send("POST / HTTP/1.1\r\nHost: x\r\nContent-Le");
  answers.server().StopAccepting();
  EXPECT_EQ(answers.server().connections(), 1u);
  client.Send("ngth: 4\r\n\r\nbo");
  client.Send("dy");
  answers.Take()->Respond(200, {}, answers.body());
  const std::string answer = client.ReadAll();
  EXPECT_NE(answer.find("Connection: close"), std::string::npos) << answer;
  EXPECT_NE(answer.find("body"), std::string::npos) << answer;
  WaitUntilEmpty(answers.server());
}

// The handler is done long before its client is.
TEST(HttpServerTest, AnAnswerCountsUntilItsClientHasIt) {
  constexpr size_t kBody = 1 << 20;
  HeldAnswers answers;
  Client client(answers.server().port(), /*receive_buffer_bytes=*/4 << 10);
  client.Send("GET / HTTP/1.1\r\nHost: x\r\n\r\n");
  answers.Take()->Respond(200, {}, std::string(kBody, 'x'));
  answers.server().StopAccepting();
  EXPECT_EQ(answers.server().connections(), 1u);
  EXPECT_GT(client.ReadAll().size(), kBody);
  WaitUntilEmpty(answers.server());
}

TEST(HttpServerTest, AnswersForAHandlerThatForgets) {
  HttpServer server({}, [](HttpRequest, std::shared_ptr<HttpResponder>) {});
  ASSERT_TRUE(server.Start().ok());
  Client client(server.port());
  client.Send("GET / HTTP/1.1\r\nHost: x\r\n\r\n");
  EXPECT_NE(client.ReadUntil("\r\n\r\n").find(" 500 "), std::string::npos);
}

TEST(HttpServerTest, NamesAPortThatIsTaken) {
  HttpServer first({}, nullptr);
  ASSERT_TRUE(first.Start().ok());
  HttpServerOptions options;
  options.port = first.port();
  HttpServer second(options, nullptr);
  const absl::Status status = second.Start();
  EXPECT_EQ(status.code(), absl::StatusCode::kUnavailable);
  EXPECT_NE(status.message().find(std::to_string(first.port())), absl::string_view::npos);
}

}  // namespace
}  // namespace baleen
