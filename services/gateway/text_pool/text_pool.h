// Threads for clients' long texts: parsing, templates, tokenising, grammars. What moves streams is not held up by them.
#ifndef BALEEN_SERVICES_GATEWAY_TEXT_POOL_TEXT_POOL_H_
#define BALEEN_SERVICES_GATEWAY_TEXT_POOL_TEXT_POOL_H_

#include <cstddef>
#include <functional>
#include <memory>
#include <string>

#include "absl/status/status.h"

namespace baleen {

struct TextPoolLimits {
  int threads = 2;
  size_t inline_bytes = 8 << 10;    // Up to here a text costs its caller's thread less than handing it over is worth.
  size_t waiting_bytes = 64 << 20;  // Of texts that wait or are worked on.
  size_t caller_bytes = 16 << 20;   // Of one caller's; those of anybody, the caller "", share what there is.
};

// Thread-safe. First come, first served.
class TextPool {
 public:
  explicit TextPool(const TextPoolLimits& limits = {});
  ~TextPool();

  // Runs `work` on a text of so many bytes: a short one at once, on this thread, a long one on the pool. RESOURCE_EXHAUSTED
  // when too much of the caller's waits, UNAVAILABLE when too much of all; then `work` does not run.
  absl::Status Run(const std::string& caller, size_t bytes, std::function<void()> work);

  // Lets what runs end and drops what waits. Afterwards nothing runs; Run is UNAVAILABLE. Idempotent.
  void Stop();

 private:
  struct Impl;
  const std::unique_ptr<Impl> impl_;
};

}  // namespace baleen

#endif  // BALEEN_SERVICES_GATEWAY_TEXT_POOL_TEXT_POOL_H_
