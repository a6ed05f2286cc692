// Which workers of a map decode.
#ifndef BALEEN_SERVICES_COMMON_DECODE_WORKERS_H_
#define BALEEN_SERVICES_COMMON_DECODE_WORKERS_H_

#include "absl/strings/string_view.h"
#include "proto/baleen/v1/placement.pb.h"

namespace baleen {

inline bool Decodes(v1::Role role) { return role == v1::ROLE_DECODE || role == v1::ROLE_PREFILL_AND_DECODE; }

// A new sequence may be sent there now.
inline bool TakesSequences(const v1::Worker& worker) { return Decodes(worker.info().role()) && worker.ready() && !worker.draining(); }

// A sequence of the worker `leaving`, computed by these numerics, may go on there now.
inline bool TakesOver(const v1::Worker& worker, absl::string_view leaving, absl::string_view numerics_id) {
  return TakesSequences(worker) && worker.info().numerics_id() == numerics_id && worker.info().worker_id() != leaving;
}

}  // namespace baleen

#endif  // BALEEN_SERVICES_COMMON_DECODE_WORKERS_H_
