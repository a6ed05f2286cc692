// What a generation tells of its way to whoever makes spans of it.
#ifndef BALEEN_SERVICES_GATEWAY_GENERATION_GENERATION_TRACE_H_
#define BALEEN_SERVICES_GATEWAY_GENERATION_GENERATION_TRACE_H_

#include <cstdint>
#include <string>

#include "absl/status/status.h"
#include "absl/time/time.h"

namespace baleen {

// Of one request. Thread-safe.
class GenerationTrace {
 public:
  virtual ~GenerationTrace() = default;
  // The wait for a turn is over, admitted or not.
  virtual void Waited(uint32_t choice, absl::Time from, absl::Time to) = 0;
  // A worker gets the sequence under `attempt`; the traceparent that it gets with it.
  virtual std::string AttemptStarted(uint32_t choice, uint32_t attempt, const std::string& worker_id) = 0;
  // The attempt that is open, if one is, is over: OK when the sequence has ended, or nobody wants it any more.
  virtual void AttemptEnded(uint32_t choice, const absl::Status& status) = 0;
};

}  // namespace baleen

#endif  // BALEEN_SERVICES_GATEWAY_GENERATION_GENERATION_TRACE_H_
