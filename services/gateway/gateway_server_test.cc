// How a gateway ends, without any worker.
#include "services/gateway/gateway_server.h"

#include <gtest/gtest.h>

#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/http.hpp>
#include <boost/none.hpp>
#include <memory>
#include <string>
#include <thread>

#include "absl/time/time.h"
#include "base/clock.h"

namespace baleen {
namespace {

namespace asio = boost::asio;
namespace beast = boost::beast;
namespace http = boost::beast::http;

// A connection that is kept.
class Client {
 public:
  explicit Client(int port) { socket_.connect({asio::ip::make_address("127.0.0.1"), static_cast<uint16_t>(port)}); }

  void Send(http::verb method, const std::string& path, const std::string& body = "") {
    http::request<http::string_body> request(method, path, 11);
    request.set(http::field::host, "127.0.0.1");
    request.set("x-baleen-resumable", "1");
    request.body() = body;
    request.prepare_payload();
    http::write(socket_, request);
  }

  http::response<http::string_body> Read() {
    http::response_parser<http::string_body> parser;
    parser.body_limit(boost::none);
    boost::system::error_code error;
    http::read(socket_, buffer_, parser, error);
    EXPECT_FALSE(error) << error.message();
    return parser.release();
  }

 private:
  asio::io_context io_;
  asio::ip::tcp::socket socket_{io_};
  beast::flat_buffer buffer_;
};

std::unique_ptr<GatewayServer> StartGateway(absl::Duration drain_timeout) {
  GatewayOptions options;
  options.server.role = "gateway";
  options.server.drain_timeout = drain_timeout;
  options.model_directory = "checkpoints/abacus";
  options.placement_address = "127.0.0.1:1";
  options.rest_port = 0;
  absl::StatusOr<std::unique_ptr<GatewayServer>> gateway = GatewayServer::Start(options);
  EXPECT_TRUE(gateway.ok()) << gateway.status();
  return gateway.ok() ? *std::move(gateway) : nullptr;
}

TEST(GatewayServerTest, ARequestWhoseTextIsReadWhileTheGatewayDrainsIsAnswered) {
  std::unique_ptr<GatewayServer> gateway = StartGateway(absl::Minutes(5));
  ASSERT_NE(gateway, nullptr);
  Client client(gateway->rest_port());
  client.Send(http::verb::get, "/livez");
  EXPECT_EQ(client.Read().result_int(), 200u);
  std::string words;
  while (words.size() < (1u << 20)) words += "12 plus 34 ";
  client.Send(http::verb::post, "/tokenize", R"({"text": ")" + words + R"("})");
  gateway->runner().RequestStop();
  std::thread ending([&] {
    EXPECT_EQ(gateway->RunUntilTerminated(), 0);
    gateway.reset();
  });
  const http::response<http::string_body> answer = client.Read();
  ending.join();
  EXPECT_EQ(answer.result_int(), 200u);
  EXPECT_FALSE(answer.keep_alive());
  EXPECT_TRUE(answer.body().ends_with('}'));
}

// What still moves it would find the gateway gone.
TEST(GatewayServerTest, ARequestThatLooksForAWorkerEndsWithTheGateway) {
  std::unique_ptr<GatewayServer> gateway = StartGateway(absl::ZeroDuration());
  ASSERT_NE(gateway, nullptr);
  Client client(gateway->rest_port());
  client.Send(http::verb::post, "/v1/completions", R"({"model": "abacus", "prompt": "2+2", "stream": true})");
  Client other(gateway->rest_port());  // Answered behind it.
  other.Send(http::verb::get, "/livez");
  EXPECT_EQ(other.Read().result_int(), 200u);
  gateway->runner().RequestStop();
  EXPECT_EQ(gateway->RunUntilTerminated(), 0);
  gateway.reset();
  Clock::Real()->Sleep(absl::Milliseconds(300));
}

}  // namespace
}  // namespace baleen
