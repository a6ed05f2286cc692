#include "tests/chaos/crowd/connection.h"

#include <gtest/gtest.h>

#include <array>
#include <boost/asio/buffer.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/write.hpp>
#include <chrono>
#include <deque>
#include <memory>
#include <string>
#include <vector>

#include "tests/chaos/crowd/answer_reader.h"

namespace baleen {
namespace {

namespace asio = boost::asio;
using boost::system::error_code;

constexpr auto kLong = std::chrono::minutes(1);
constexpr auto kShort = std::chrono::milliseconds(20);

// One answer of a StubGateway, and whether its connection ends then.
struct Script {
  std::string answer;
  bool closes = false;
};

// Answers whatever comes by the next script, and says nothing when there is none left.
class StubGateway {
 public:
  StubGateway(asio::io_context& io, std::deque<Script> scripts)
      : scripts_(std::move(scripts)), acceptor_(io, {asio::ip::address_v4::loopback(), 0}) {
    Accept();
  }

  asio::ip::tcp::endpoint endpoint() const { return acceptor_.local_endpoint(); }
  size_t connections() const { return connections_; }
  const std::vector<std::string>& requests() const { return requests_; }

 private:
  using Socket = std::shared_ptr<asio::ip::tcp::socket>;

  void Accept() {
    acceptor_.async_accept([this](error_code error, asio::ip::tcp::socket socket) {
      if (error) return;
      ++connections_;
      Serve(std::make_shared<asio::ip::tcp::socket>(std::move(socket)));
      Accept();
    });
  }

  void Serve(const Socket& socket) {
    socket->async_read_some(asio::buffer(buffer_), [this, socket](error_code error, size_t bytes) {
      if (error) return;
      requests_.emplace_back(buffer_.data(), bytes);
      if (scripts_.empty()) return Serve(socket);
      const Script script = scripts_.front();
      scripts_.pop_front();
      asio::write(*socket, asio::buffer(script.answer));
      if (!script.closes) Serve(socket);
    });
  }

  std::deque<Script> scripts_;
  asio::ip::tcp::acceptor acceptor_;
  std::array<char, 4096> buffer_;
  size_t connections_ = 0;
  std::vector<std::string> requests_;
};

// What a request's answer looked like when it was over.
struct Seen {
  int status;
  bool complete;
  bool idle;
};

class ConnectionTest : public testing::Test {
 protected:
  // Runs until a request on the connection is over.
  Seen Ask(Connection& connection, const std::string& request, std::chrono::steady_clock::duration patience = kLong) {
    std::optional<Seen> seen;
    connection.Ask(request, std::chrono::steady_clock::now() + patience, [&](const AnswerReader& answer) {
      EXPECT_FALSE(seen.has_value());
      seen = {answer.status(), answer.complete(), connection.idle()};
    });
    EXPECT_FALSE(seen.has_value());
    while (!seen) io_.run_one();
    return *seen;
  }

  std::shared_ptr<Connection> Connect(const StubGateway& gateway) { return std::make_shared<Connection>(io_, gateway.endpoint()); }

  asio::io_context io_;
};

const Script kRefusal{"HTTP/1.1 503 No\r\nContent-Length: 4\r\n\r\nbusy"};
const Script kStream{"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\ne\r\ndata: [DONE]\n\n\r\n0\r\n\r\n"};

TEST_F(ConnectionTest, OneConnectionTakesOneRequestAfterAnother) {
  StubGateway gateway(io_, {kRefusal, kStream, kRefusal});
  const auto connection = Connect(gateway);
  for (const auto& [request, status, complete] : {std::tuple("one", 503, false), {"two", 200, true}, {"three", 503, false}}) {
    const Seen seen = Ask(*connection, request);
    EXPECT_EQ(seen.status, status) << request;
    EXPECT_EQ(seen.complete, complete) << request;
    EXPECT_TRUE(seen.idle) << request;
  }
  EXPECT_EQ(gateway.connections(), 1U);
  EXPECT_EQ(gateway.requests(), (std::vector<std::string>{"one", "two", "three"}));
}

TEST_F(ConnectionTest, TheNextRequestMayBeginWhereTheLastOneEnded) {
  StubGateway gateway(io_, {kRefusal, kStream});
  const auto connection = Connect(gateway);
  const auto give_up = std::chrono::steady_clock::now() + kLong;
  bool over = false;
  connection->Ask("one", give_up, [&](const AnswerReader&) {
    connection->Ask("two", give_up, [&](const AnswerReader& answer) { over = answer.complete(); });
  });
  while (!over) io_.run_one();
  EXPECT_EQ(gateway.connections(), 1U);
}

TEST_F(ConnectionTest, AnAnswerThatEndsItsConnectionLeavesNoIdleOne) {
  StubGateway gateway(io_, {{"HTTP/1.1 429 No\r\nConnection: close\r\nContent-Length: 0\r\n\r\n", true}});
  const Seen seen = Ask(*Connect(gateway), "one");
  EXPECT_EQ(seen.status, 429);
  EXPECT_FALSE(seen.idle);
}

TEST_F(ConnectionTest, AConnectionThatBreaksEndsItsRequest) {
  StubGateway gateway(io_, {{"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\ne\r\ndata: [DO", true}, {"", true}});
  const Seen within = Ask(*Connect(gateway), "one");
  EXPECT_EQ(within.status, 200);
  EXPECT_FALSE(within.complete);
  EXPECT_FALSE(within.idle);
  const Seen before = Ask(*Connect(gateway), "two");
  EXPECT_EQ(before.status, 0);
  EXPECT_FALSE(before.idle);
}

TEST_F(ConnectionTest, AnIdleConnectionThatEndsIsNotIdleAnyMore) {
  StubGateway gateway(io_, {{kRefusal.answer, true}});
  const auto connection = Connect(gateway);
  EXPECT_TRUE(Ask(*connection, "one").idle);
  while (connection->idle()) io_.run_one();
}

TEST_F(ConnectionTest, PatienceEnds) {
  StubGateway gateway(io_, {});
  const auto begun = std::chrono::steady_clock::now();
  const Seen seen = Ask(*Connect(gateway), "one", kShort);
  EXPECT_EQ(seen.status, 0);
  EXPECT_FALSE(seen.idle);
  EXPECT_GE(std::chrono::steady_clock::now() - begun, kShort);
}

TEST_F(ConnectionTest, EachRequestHasItsOwnPatience) {
  StubGateway gateway(io_, {kRefusal, kRefusal});
  const auto connection = Connect(gateway);
  EXPECT_TRUE(Ask(*connection, "one", kLong).idle);
  EXPECT_TRUE(Ask(*connection, "two", kLong).idle);
  EXPECT_FALSE(Ask(*connection, "three", kShort).idle);
}

TEST_F(ConnectionTest, NobodyListens) {
  asio::ip::tcp::acceptor deaf(io_, asio::ip::tcp::v4());
  deaf.bind({asio::ip::address_v4::loopback(), 0});
  const Seen seen = Ask(*std::make_shared<Connection>(io_, deaf.local_endpoint()), "one");
  EXPECT_EQ(seen.status, 0);
  EXPECT_FALSE(seen.idle);
}

}  // namespace
}  // namespace baleen
