// Many clients that read a streamed completion each.
#ifndef BALEEN_TOOLS_BENCH_STREAMS_SSE_CLIENTS_H_
#define BALEEN_TOOLS_BENCH_STREAMS_SSE_CLIENTS_H_

#include <atomic>
#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/io_context.hpp>
#include <cstdint>
#include <memory>
#include <thread>
#include <vector>

#include "tools/bench/streams/token_times.h"

namespace baleen {

// All on one thread of their own, which costs the machine little beside the gateway.
class SseClients {
 public:
  // The gateway's REST port on loopback. An event's arrival is noted by its request and its id. `received` is unowned.
  SseClients(int port, TokenTimes* received);
  ~SseClients();  // Their connections are closed.

  enum class Reads { kAll, kNothing };

  // Asks for `max_tokens` tokens under request ids whose first four bytes are row, row + 1, ...
  void Start(uint32_t row, int count, int max_tokens, Reads reads = Reads::kAll);
  int64_t ended() const { return ended_; }    // Streams that have had their [DONE].
  int64_t failed() const { return failed_; }  // Connections that broke, or got anything but a 200.

 private:
  class Client;

  const int port_;
  TokenTimes* const received_;
  std::atomic<int64_t> ended_{0};
  std::atomic<int64_t> failed_{0};
  boost::asio::io_context io_;
  boost::asio::executor_work_guard<boost::asio::io_context::executor_type> work_;
  std::vector<std::shared_ptr<Client>> silent_;  // Touched on the thread.
  std::thread thread_;
};

}  // namespace baleen

#endif  // BALEEN_TOOLS_BENCH_STREAMS_SSE_CLIENTS_H_
