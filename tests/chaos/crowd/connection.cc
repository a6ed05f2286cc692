#include "tests/chaos/crowd/connection.h"

#include <boost/asio/write.hpp>
#include <boost/beast/http/read.hpp>
#include <utility>

namespace baleen {
namespace {

namespace asio = boost::asio;
using boost::system::error_code;

}  // namespace

void Connection::Ask(std::string request, std::chrono::steady_clock::time_point give_up, Done done) {
  request_ = std::move(request);
  done_ = std::move(done);
  patience_.expires_at(give_up);
  patience_.async_wait([self = shared_from_this()](error_code error) {
    // A wait that was over before it could be cancelled is that of the request before.
    if (!error && self->patience_.expiry() <= std::chrono::steady_clock::now()) self->Break();
  });
  const bool open = std::exchange(state_, State::kBusy) == State::kIdle;
  open ? Send() : Connect();
}

void Connection::Connect() {
  socket_.async_connect(gateway_, [self = shared_from_this()](error_code error) {
    if (!error) self->socket_.set_option(asio::ip::tcp::no_delay(true), error);
    if (error) return self->Break();
    self->Read();
    self->Send();
  });
}

void Connection::Send() {
  error_code error;
  asio::write(socket_, asio::buffer(request_), error);
  // Broken already: the reading hears of it.
  if (error) socket_.close(error);
}

// Begins before there is a request, so that a connection that breaks meanwhile is not taken for one.
void Connection::Read() {
  answer_.emplace();
  boost::beast::http::async_read(socket_, buffer_, *answer_, [self = shared_from_this()](error_code error, size_t) {
    const bool reusable = !error && self->state_ == State::kBusy && self->answer_->keep_alive();
    self->End(reusable ? State::kIdle : State::kBroken);
    if (self->state_ != State::kBroken) self->Read();
  });
}

void Connection::End(State state) {
  if (state_ == State::kBroken) return;
  state_ = state;
  patience_.cancel();
  error_code ignored;
  if (state == State::kBroken) socket_.close(ignored);
  if (const Done done = std::exchange(done_, nullptr)) done(*answer_);
}

}  // namespace baleen
