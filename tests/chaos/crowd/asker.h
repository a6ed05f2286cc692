// Asks a gateway for completions on behalf of one tenant.
#ifndef BALEEN_TESTS_CHAOS_CROWD_ASKER_H_
#define BALEEN_TESTS_CHAOS_CROWD_ASKER_H_

#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "tests/chaos/crowd/connection.h"
#include "tests/chaos/crowd/sample.h"

namespace baleen {

struct AskerOptions {
  boost::asio::ip::tcp::endpoint gateway;
  std::string key;  // The tenant's.
  std::chrono::nanoseconds patience{};
  int max_tokens = 1;        // Of each answer, which always has so many.
  int64_t first_prompt = 0;  // Number of the first prompt: each request has the next one.
};

// Keeps connections that wait for a request, as clients do. Runs on its I/O context, which has one thread; outlives what it has under way
// there.
class Asker {
 public:
  Asker(boost::asio::io_context& io, AskerOptions options);

  // `done` is called once, later, with what became of a request. One that takes longer than the patience is given up.
  void Ask(std::function<void(const Sample&)> done);

 private:
  std::string NextRequest();
  std::shared_ptr<Connection> TakeConnection();

  boost::asio::io_context& io_;
  const AskerOptions options_;
  const std::string head_;  // Of every request, up to the length of its body.
  int64_t next_prompt_;
  std::vector<std::shared_ptr<Connection>> idle_;
};

}  // namespace baleen

#endif  // BALEEN_TESTS_CHAOS_CROWD_ASKER_H_
