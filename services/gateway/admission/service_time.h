// How long requests run, of late, and what follows for those who wait.
#ifndef BALEEN_SERVICES_GATEWAY_ADMISSION_SERVICE_TIME_H_
#define BALEEN_SERVICES_GATEWAY_ADMISSION_SERVICE_TIME_H_

#include <cstdint>

#include "absl/time/time.h"

namespace baleen {

// By Little's law: tokens that run together, over the mean time that a token's request runs, are the tokens that leave a second. Unlike a
// count of what left, this says the same of a cluster after a pause, and of one that stands still for a moment. Thread-compatible.
class ServiceTime {
 public:
  // A request of so many tokens ran so long, among `running` requests, itself included: the mean is over about as many as run at a time,
  // and at least 8.
  void Ended(int64_t tokens, absl::Duration ran, int64_t running);
  // Until `tokens` have left of a cluster in which `running_tokens` run, with as many again always waiting. 0 while nothing has ended.
  absl::Duration TimeFor(int64_t tokens, int64_t running_tokens) const;

 private:
  double tokens_ = 0;         // Mean of a request.
  double token_seconds_ = 0;  // Mean of tokens times seconds.
};

}  // namespace baleen

#endif  // BALEEN_SERVICES_GATEWAY_ADMISSION_SERVICE_TIME_H_
