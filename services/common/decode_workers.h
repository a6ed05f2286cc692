// Which workers of a map decode.
#ifndef BALEEN_SERVICES_COMMON_DECODE_WORKERS_H_
#define BALEEN_SERVICES_COMMON_DECODE_WORKERS_H_

#include "proto/baleen/v1/placement.pb.h"

namespace baleen {

inline bool Decodes(v1::Role role) { return role == v1::ROLE_DECODE || role == v1::ROLE_PREFILL_AND_DECODE; }

// A new sequence may be sent there now.
inline bool TakesSequences(const v1::Worker& worker) { return Decodes(worker.info().role()) && worker.ready() && !worker.draining(); }

}  // namespace baleen

#endif  // BALEEN_SERVICES_COMMON_DECODE_WORKERS_H_
