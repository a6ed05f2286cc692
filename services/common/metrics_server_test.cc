#include "services/common/metrics_server.h"

#include <gtest/gtest.h>

#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/beast/core.hpp>
#include <boost/beast/http.hpp>
#include <optional>
#include <string>
#include <utility>

#include "absl/time/time.h"
#include "services/common/testing/last_descriptor.h"

namespace baleen {
namespace {

namespace asio = boost::asio;
namespace beast = boost::beast;
namespace http = boost::beast::http;

class Client {
 public:
  explicit Client(int port) { stream_.connect(asio::ip::tcp::endpoint(asio::ip::address_v4::loopback(), static_cast<uint16_t>(port))); }

  http::response<http::string_body> Ask(http::verb method, const std::string& path) {
    http::write(stream_, http::request<http::empty_body>(method, path, 11));
    http::response_parser<http::string_body> parser;
    parser.skip(method == http::verb::head);
    http::read(stream_, buffer_, parser);
    return parser.release();
  }

 private:
  asio::io_context io_;
  beast::tcp_stream stream_{io_};
  beast::flat_buffer buffer_;
};

class MetricsServerTest : public testing::Test {
 protected:
  void SetUp() override { ASSERT_TRUE(server_.Start("127.0.0.1", 0).ok()); }

  MetricsServer server_{{{"/page", [] { return HttpPage{503, "text/plain", "here"}; }}}};
};

TEST_F(MetricsServerTest, AnswersItsPagesAndNothingElse) {
  Client client(server_.port());
  const auto page = client.Ask(http::verb::get, "/page?q");
  EXPECT_EQ(page.result_int(), 503u);
  EXPECT_EQ(page.body(), "here");
  EXPECT_EQ(client.Ask(http::verb::head, "/page").body(), "");
  EXPECT_EQ(client.Ask(http::verb::get, "/other").result_int(), 404u);
  EXPECT_EQ(client.Ask(http::verb::post, "/page").result_int(), 405u);
}

TEST_F(MetricsServerTest, WaitsForADescriptorAtRest) {
  asio::io_context io;
  asio::ip::tcp::socket socket(io);
  std::optional<LastDescriptor> last(std::in_place);
  socket.connect(asio::ip::tcp::endpoint(asio::ip::address_v4::loopback(), static_cast<uint16_t>(server_.port())));
  EXPECT_LT(CpuTimeMeanwhile(), absl::Milliseconds(150));
  last.reset();
  http::write(socket, http::request<http::empty_body>(http::verb::get, "/page", 11));
  beast::flat_buffer buffer;
  http::response<http::string_body> answer;
  http::read(socket, buffer, answer);
  EXPECT_EQ(answer.body(), "here");
}

}  // namespace
}  // namespace baleen
