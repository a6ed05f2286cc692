#include "tools/bench/streams/plain_http.h"

#include <boost/asio/connect.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/beast/core.hpp>
#include <boost/beast/http.hpp>
#include <map>

#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_split.h"

namespace baleen {
namespace {

namespace asio = boost::asio;
namespace beast = boost::beast;
namespace http = boost::beast::http;

// One connection; a default answer when it breaks.
class Connection {
 public:
  explicit Connection(int port) {
    beast::error_code error;
    socket_.connect({asio::ip::address_v4::loopback(), static_cast<uint16_t>(port)}, error);
  }

  PlainAnswer Ask(http::request<http::string_body> request) {
    request.set(http::field::host, "127.0.0.1");
    request.prepare_payload();
    beast::error_code error;
    http::write(socket_, request, error);
    http::response_parser<http::string_body> parser;
    parser.body_limit(64 << 20);
    if (!error) http::read(socket_, buffer_, parser, error);
    if (error) return {};
    return {static_cast<int>(parser.get().result_int()), parser.get().body()};
  }

 private:
  asio::io_context io_;
  asio::ip::tcp::socket socket_{io_};
  beast::flat_buffer buffer_;
};

}  // namespace

PlainAnswer PlainGet(int port, const std::string& path) { return Connection(port).Ask({http::verb::get, path, 11}); }

int AskForRefusals(int port, int count) {
  Connection connection(port);
  int refused = 0;
  for (int i = 0; i < count; ++i) {
    http::request<http::string_body> request{http::verb::post, "/v1/chat/completions", 11};
    request.body() = R"({"model":"abacus","messages":[{"role":"nobody","content":"2 + 2"}]})";
    refused += connection.Ask(std::move(request)).status == 400;
  }
  return refused;
}

double RefusalQuantile(const PlainAnswer& metrics, double quantile) {
  std::map<double, double> counts;  // By upper bound.
  for (const absl::string_view line : absl::StrSplit(metrics.body, '\n')) {
    if (!absl::StartsWith(line, "baleen_request_refusal_seconds_bucket{")) continue;
    const std::vector<absl::string_view> quoted = absl::StrSplit(line, "le=\"");
    const std::vector<absl::string_view> parts = absl::StrSplit(quoted.back(), absl::MaxSplits('"', 1));
    double bound = 0, count = 0;
    if (parts.size() == 2 && absl::SimpleAtod(parts[0], &bound) && absl::SimpleAtod(parts[1].substr(parts[1].find(' ') + 1), &count)) {
      counts[bound] += count;
    }
  }
  if (counts.empty()) return 0;
  for (const auto& [bound, count] : counts) {
    if (count >= quantile * counts.rbegin()->second) return bound;
  }
  return 0;
}

}  // namespace baleen
