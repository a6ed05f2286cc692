// What a gateway is told of the end of a sequence.
#ifndef BALEEN_SERVICES_ATTENTION_DECODE_RUN_STATUS_H_
#define BALEEN_SERVICES_ATTENTION_DECODE_RUN_STATUS_H_

#include "absl/status/status.h"

namespace baleen {

// `end`, as a sequence ended on this worker, in the words of Decode.Run. A worker that leaves says so with UNAVAILABLE, which to a gateway
// is a broken connection, and its sequence a suspect of having killed the worker: there it becomes FAILED_PRECONDITION.
absl::Status ToRunStatus(absl::Status end);

}  // namespace baleen

#endif  // BALEEN_SERVICES_ATTENTION_DECODE_RUN_STATUS_H_
