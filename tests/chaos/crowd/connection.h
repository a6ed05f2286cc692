// A client's connection to a gateway.
#ifndef BALEEN_TESTS_CHAOS_CROWD_CONNECTION_H_
#define BALEEN_TESTS_CHAOS_CROWD_CONNECTION_H_

#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <chrono>
#include <functional>
#include <memory>
#include <optional>
#include <string>

#include "tests/chaos/crowd/answer_reader.h"

namespace baleen {

// For one request at a time, one after another. Runs on its I/O context, which has one thread and outlives it, and is kept by what it has
// under way there.
class Connection : public std::enable_shared_from_this<Connection> {
 public:
  // Hears of an answer as far as it came.
  using Done = std::function<void(const AnswerReader& answer)>;

  Connection(boost::asio::io_context& io, const boost::asio::ip::tcp::endpoint& gateway) : gateway_(gateway), socket_(io), patience_(io) {}

  // Sends a request, which fits into a socket's buffer, connecting first where it has to. `done` is called once, later: when the answer
  // has ended, when the connection breaks, or at `give_up`, which breaks it. Only while no other request is under way.
  void Ask(std::string request, std::chrono::steady_clock::time_point give_up, Done done);

  // Whether it is open and waits for a request. Within `done` already.
  bool idle() const { return state_ == State::kIdle; }

 private:
  enum class State { kNew, kBusy, kIdle, kBroken };
  // For one kind of executor, which costs less than those for any.
  using Executor = boost::asio::io_context::executor_type;
  using Socket = boost::asio::basic_stream_socket<boost::asio::ip::tcp, Executor>;
  using Timer = boost::asio::basic_waitable_timer<std::chrono::steady_clock, boost::asio::wait_traits<std::chrono::steady_clock>, Executor>;

  void Connect();
  void Send();
  void Read();
  void End(State state);
  void Break() { End(State::kBroken); }

  const boost::asio::ip::tcp::endpoint gateway_;
  Socket socket_;
  State state_ = State::kNew;
  Timer patience_;
  std::string request_;
  Done done_;
  boost::beast::flat_buffer buffer_;
  std::optional<AnswerReader> answer_{std::in_place};
};

}  // namespace baleen

#endif  // BALEEN_TESTS_CHAOS_CROWD_CONNECTION_H_
