// Bytes of a client's connection through the gateway's HTTP sessions: how they are cut into packets changes no request, every answer is
// HTTP, and nothing is left when the client has gone.

#include <sys/socket.h>
#include <unistd.h>

#include <boost/asio/io_context.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/http.hpp>
#include <cstdint>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "services/gateway/http/http_session.h"
#include "tests/fuzz/fuzz_input.h"

namespace baleen {
namespace {

namespace asio = boost::asio;
namespace beast = boost::beast;
namespace http = boost::beast::http;

struct Outcome {
  std::vector<HttpRequest> requests;
  std::string answers;
};

// One connection, whose server answers at once: as a stream where the path asks for it, not at all where it asks for that.
class Exchange {
 public:
  Exchange() {
    int ends[2];
    Require(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, ends) == 0, "a pair of sockets can be had");
    client_ = ends[0];
    asio::ip::tcp::socket socket(*io_);
    socket.assign(asio::ip::tcp::v4(), ends[1]);
    HttpServerOptions options;
    options.header_limit_bytes = 4 << 10;
    options.body_limit_bytes = 4 << 10;
    auto alive = std::make_shared<int>(0);
    alive_ = alive;
    StartHttpSession(io_, std::move(socket), options, [this, alive](HttpRequest request, std::shared_ptr<HttpResponder> responder) {
      Answer(std::move(request), std::move(responder));
    });
  }

  void Send(absl::string_view bytes) {
    while (!bytes.empty()) {
      const ssize_t sent = send(client_, bytes.data(), bytes.size(), MSG_NOSIGNAL);
      if (sent > 0) bytes.remove_prefix(static_cast<size_t>(sent));
      Poll();
      if (sent <= 0 && errno != EAGAIN) return;
    }
  }

  Outcome Finish() {
    close(client_);
    client_ = -1;
    Poll();
    Require(alive_.expired(), "a session ends with its connection");
    return std::move(outcome_);
  }

 private:
  void Answer(HttpRequest request, std::shared_ptr<HttpResponder> responder) {
    const std::string path = request.path;
    outcome_.requests.push_back(std::move(request));
    if (path.find("forget") != std::string::npos) return;
    if (path.find("stream") == std::string::npos) return responder->Respond(200, {{"x-path", "known"}}, "answer");
    responder->BeginStream({});
    responder->Write("one");
    responder->Write("two");
    responder->EndStream();
  }

  void Poll() {
    do {
      io_->restart();
      while (io_->poll() > 0) continue;
    } while (Read());
  }

  bool Read() {
    char buffer[4096];
    const ssize_t got = client_ < 0 ? 0 : recv(client_, buffer, sizeof(buffer), 0);
    if (got > 0) outcome_.answers.append(buffer, static_cast<size_t>(got));
    return got > 0;
  }

  const std::shared_ptr<asio::io_context> io_ = std::make_shared<asio::io_context>(1);
  int client_ = -1;
  std::weak_ptr<int> alive_;
  Outcome outcome_;
};

Outcome Run(absl::string_view bytes, absl::string_view cuts) {
  Exchange exchange;
  for (const absl::string_view piece : CutText(bytes, cuts)) exchange.Send(piece);
  return exchange.Finish();
}

// Each request has its answer; one more may refuse what is no request. "100 Continue" is no answer yet.
void CheckAnswers(const Outcome& outcome) {
  beast::flat_buffer buffer;
  buffer.commit(asio::buffer_copy(buffer.prepare(outcome.answers.size()), asio::buffer(outcome.answers)));
  for (size_t i = 0; buffer.size() > 0;) {
    http::response_parser<http::string_body> parser;
    parser.skip(i < outcome.requests.size() && outcome.requests[i].method == "HEAD");
    parser.eager(true);
    beast::error_code error;
    buffer.consume(parser.put(buffer.data(), error));
    Require(!error || error == http::error::need_more, "an answer is HTTP");
    if (!parser.is_done()) return;  // The connection broke off.
    if (parser.get().result() == http::status::continue_) continue;
    Require(i <= outcome.requests.size(), "no more answers than requests");
    if (i == outcome.requests.size()) {
      Require(parser.get().result_int() >= 400 && !parser.get().keep_alive(), "the last one refuses, and ends the connection");
    }
    ++i;
  }
}

void RequireSame(const std::vector<HttpRequest>& a, const std::vector<HttpRequest>& b) {
  Require(a.size() == b.size(), "packets do not change the number of requests");
  for (size_t i = 0; i < a.size(); ++i) {
    Require(a[i].method == b[i].method && a[i].path == b[i].path && a[i].headers == b[i].headers, "nor their heads");
    Require(a[i].body.reveal() == b[i].body.reveal(), "nor their bodies");
  }
}

}  // namespace
}  // namespace baleen

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace baleen;
  FuzzInput input(data, size);
  const std::string cuts = input.Bytes(input.Byte() % 8);
  const std::string bytes = input.Rest();
  const Outcome whole = Run(bytes, "");
  CheckAnswers(whole);
  const Outcome cut = Run(bytes, cuts);
  CheckAnswers(cut);
  RequireSame(whole.requests, cut.requests);
  return 0;
}
