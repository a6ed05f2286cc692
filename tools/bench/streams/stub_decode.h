// A decode worker whose tokens cost nothing: every sequence gets its next one at a steady rate.
#ifndef BALEEN_TOOLS_BENCH_STREAMS_STUB_DECODE_H_
#define BALEEN_TOOLS_BENCH_STREAMS_STUB_DECODE_H_

#include <atomic>
#include <cstdint>
#include <memory>
#include <mutex>
#include <thread>
#include <vector>

#include "proto/baleen/v1/attention.grpc.pb.h"
#include "tools/bench/streams/token_times.h"

namespace baleen {

class StubStream;

// Thread-safe. The sequences are served in turn, so that tokens leave evenly over time, and not in bursts that would cost less.
class StubDecode final : public v1::Decode::CallbackService {
 public:
  // `tokens` are given over and over. The first four bytes of a request's id are its row in `sent`, which is told when a token leaves.
  StubDecode(std::vector<uint32_t> tokens, TokenTimes* sent) : tokens_(std::move(tokens)), sent_(sent), thread_([this] { Pace(); }) {}
  ~StubDecode() override;

  grpc::ServerBidiReactor<v1::DecodeCommand, v1::DecodeEvent>* Run(grpc::CallbackServerContext* context) override;

  // Of all sequences together; 0 = none for now.
  void SetRate(double tokens_per_second) { rate_ = tokens_per_second; }
  int64_t running() const;

 private:
  friend class StubStream;
  void Pace();
  // The next sequence whose last token has left; null when all are busy.
  std::shared_ptr<StubStream> Next();

  const std::vector<uint32_t> tokens_;
  TokenTimes* const sent_;
  std::atomic<double> rate_{0};
  std::atomic<bool> stopping_{false};
  mutable std::mutex mutex_;  // Guards what follows.
  std::vector<std::shared_ptr<StubStream>> streams_;
  size_t turn_ = 0;
  std::thread thread_;
};

}  // namespace baleen

#endif  // BALEEN_TOOLS_BENCH_STREAMS_STUB_DECODE_H_
