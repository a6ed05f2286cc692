#include "tools/bench/streams/sse_clients.h"

#include <array>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/write.hpp>
#include <string>
#include <utility>

#include "absl/strings/escaping.h"
#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"

namespace baleen {
namespace {

namespace asio = boost::asio;
using boost::system::error_code;

constexpr int kReceiveBytes = 4096;  // Of who reads nothing, so that what waits for it waits in the gateway.

std::string Request(uint32_t row, int max_tokens) {
  const std::string body =
      absl::StrCat(R"({"model":"abacus","prompt":"1 + 1","stream":true,"ignore_eos":true,"max_tokens":)", max_tokens, "}");
  std::string id(16, '\1');
  for (size_t i = 0; i < sizeof row; ++i) id[i] = static_cast<char>(row >> (8 * i));
  return absl::StrCat("POST /v1/completions HTTP/1.1\r\nhost: 127.0.0.1\r\ncontent-type: application/json\r\nx-request-id: ",
                      absl::BytesToHexString(id), "\r\ncontent-length: ", body.size(), "\r\n\r\n", body);
}

}  // namespace

// Looks for lines alone: chunk headers between them do not matter, since the gateway never cuts a line.
class SseClients::Client : public std::enable_shared_from_this<Client> {
 public:
  Client(SseClients* all, uint32_t row, int max_tokens, Reads reads)
      : all_(all), row_(row), request_(Request(row, max_tokens)), reads_(reads), socket_(all->io_) {}

  void Start() {
    socket_.open(asio::ip::tcp::v4());
    if (reads_ == Reads::kNothing) socket_.set_option(asio::socket_base::receive_buffer_size(kReceiveBytes));
    socket_.async_connect({asio::ip::address_v4::loopback(), static_cast<uint16_t>(all_->port_)},
                          [self = shared_from_this()](error_code error) { error ? self->Fail() : self->Ask(); });
  }

 private:
  void Ask() {
    asio::async_write(socket_, asio::buffer(request_),
                      [self = shared_from_this()](error_code error, size_t) { error ? self->Fail() : self->Listen(); });
  }

  void Listen() { reads_ == Reads::kAll ? Read() : all_->silent_.push_back(shared_from_this()); }

  void Read() {
    socket_.async_read_some(asio::buffer(buffer_), [self = shared_from_this()](error_code error, size_t size) {
      if (error) return self->Fail();
      for (size_t i = 0; i < size; ++i) {
        if (!self->Take(self->buffer_[i])) return;
      }
      self->Read();
    });
  }

  // One character; false when the answer is over.
  bool Take(char c) {
    if (c != '\n') {
      line_.push_back(c);
      return true;
    }
    const std::string line = std::exchange(line_, "");
    size_t token = 0;
    if (absl::StartsWith(line, "id: ") && absl::SimpleAtoi(line.substr(4), &token)) all_->received_->Note(row_, token);
    if (absl::StartsWith(line, "HTTP/1.1 ") && !absl::StartsWith(line, "HTTP/1.1 200")) return Fail(), false;
    if (!absl::StartsWith(line, "data: [DONE]")) return true;
    ++all_->ended_;
    return false;
  }

  void Fail() { ++all_->failed_; }

  SseClients* const all_;
  const uint32_t row_;
  const std::string request_;
  const Reads reads_;
  asio::ip::tcp::socket socket_;
  std::array<char, 2048> buffer_;
  std::string line_;
};

SseClients::SseClients(int port, TokenTimes* received)
    : port_(port), received_(received), work_(io_.get_executor()), thread_([this] { io_.run(); }) {}

SseClients::~SseClients() {
  io_.stop();
  thread_.join();
}

void SseClients::Start(uint32_t row, int count, int max_tokens, Reads reads) {
  asio::post(io_, [this, row, count, max_tokens, reads] {
    for (int i = 0; i < count; ++i) std::make_shared<Client>(this, row + static_cast<uint32_t>(i), max_tokens, reads)->Start();
  });
}

}  // namespace baleen
