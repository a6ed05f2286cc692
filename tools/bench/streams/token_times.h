// When each token of each request was somewhere.
#ifndef BALEEN_TOOLS_BENCH_STREAMS_TOKEN_TIMES_H_
#define BALEEN_TOOLS_BENCH_STREAMS_TOKEN_TIMES_H_

#include <atomic>
#include <chrono>
#include <cstdint>
#include <vector>

namespace baleen {

// Thread-safe; each place is noted once. Nanoseconds of the steady clock.
class TokenTimes {
 public:
  TokenTimes(size_t requests, size_t tokens) : tokens_(tokens), times_(requests * tokens) {}

  void Note(size_t request, size_t token) {
    const size_t at = request * tokens_ + token;
    if (token >= tokens_ || at >= times_.size()) return;
    times_[at] = std::chrono::steady_clock::now().time_since_epoch().count();
    ++noted_;
  }
  // 0 when it was not there.
  int64_t At(size_t request, size_t token) const { return times_[request * tokens_ + token]; }
  int64_t noted() const { return noted_; }
  size_t requests() const { return times_.size() / tokens_; }
  size_t tokens() const { return tokens_; }

 private:
  const size_t tokens_;
  std::vector<std::atomic<int64_t>> times_;
  std::atomic<int64_t> noted_{0};
};

}  // namespace baleen

#endif  // BALEEN_TOOLS_BENCH_STREAMS_TOKEN_TIMES_H_
