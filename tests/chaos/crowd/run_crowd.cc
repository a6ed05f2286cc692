#include "tests/chaos/crowd/run_crowd.h"

#include <boost/asio/io_context.hpp>
#include <boost/asio/signal_set.hpp>
#include <boost/asio/steady_timer.hpp>
#include <chrono>
#include <csignal>
#include <memory>
#include <utility>

#include "tests/chaos/crowd/arrival_times.h"
#include "tests/chaos/crowd/asker.h"

namespace baleen {
namespace {

namespace asio = boost::asio;
using boost::system::error_code;
using MonotonicClock = std::chrono::steady_clock;

// Of a stream that got no answer.
constexpr auto kPause = std::chrono::milliseconds(100);

AskerOptions ToAskerOptions(const CrowdOptions& options) {
  return {{asio::ip::make_address(options.host), static_cast<uint16_t>(options.port)},
          options.key,
          absl::ToChronoNanoseconds(options.patience),
          options.max_tokens,
          options.first_prompt};
}

class Crowd {
 public:
  Crowd(asio::io_context& io, const CrowdOptions& options)
      : io_(io),
        end_(begun_ + absl::ToChronoNanoseconds(options.duration)),
        asker_(io, ToAskerOptions(options)),
        next_arrival_(io),
        signals_(io, SIGTERM, SIGINT) {
    if (options.rate > 0) times_ = ArrivalTimes(options.rate, absl::ToDoubleSeconds(options.duration), options.seed);
  }

  // Stops io when all requests have ended.
  void Begin(int streams) {
    signals_.async_wait([this](error_code, int) { Stop(); });
    open_ = streams;
    for (int i = 0; i < streams; ++i) Stream();
    if (streams == 0) BeginArrivals();
  }

  std::vector<Sample> TakeSamples() { return std::move(samples_); }

 private:
  bool Over() const { return stopped_ || samples_.size() >= kMaxRequests || MonotonicClock::now() >= end_; }

  void Stream() {
    asker_.Ask([this](const Sample& sample) {
      samples_.push_back(sample);
      if (Over()) return Leave();
      sample.answered ? Stream() : Pause();
    });
  }

  void Pause() {
    const auto timer = std::make_shared<asio::steady_timer>(io_, kPause);
    timer->async_wait([this, timer](error_code) { Over() ? Leave() : Stream(); });
  }

  void BeginArrivals() {
    open_ = 1;
    AwaitArrival(0);
  }

  void AwaitArrival(size_t number) {
    if (number == times_.size()) return Leave();
    next_arrival_.expires_at(begun_ + std::chrono::nanoseconds(static_cast<int64_t>(times_[number] * 1e9)));
    next_arrival_.async_wait([this, number](error_code) {
      if (stopped_) return Leave();
      ++open_;
      AwaitArrival(number + 1);  // First: a later time than the timer's takes no call of the kernel.
      Arrive();
    });
  }

  void Arrive() {
    asker_.Ask([this](const Sample& sample) {
      samples_.push_back(sample);
      Leave();
    });
  }

  void Leave() {
    if (--open_ == 0) io_.stop();
  }

  void Stop() {
    stopped_ = true;
    next_arrival_.cancel();
  }

  asio::io_context& io_;
  const MonotonicClock::time_point begun_ = MonotonicClock::now();
  const MonotonicClock::time_point end_;
  Asker asker_;
  std::vector<double> times_;  // Of arrivals.
  asio::steady_timer next_arrival_;
  asio::signal_set signals_;
  std::vector<Sample> samples_;
  int64_t open_ = 0;  // Streams; or requests under way, and one for those to come.
  bool stopped_ = false;
};

}  // namespace

std::vector<Sample> RunCrowd(const CrowdOptions& options) {
  asio::io_context io(BOOST_ASIO_CONCURRENCY_HINT_UNSAFE);  // All of it is on this thread.
  Crowd crowd(io, options);
  crowd.Begin(options.streams);
  io.run();
  return crowd.TakeSamples();
}

}  // namespace baleen
