// How a request can be taken up again, and where it was left: the same for every API.
#ifndef BALEEN_SERVICES_GATEWAY_RESUME_RESUMPTION_H_
#define BALEEN_SERVICES_GATEWAY_RESUME_RESUMPTION_H_

#include <cstdint>
#include <map>

#include "absl/status/statusor.h"
#include "proto/baleen/v1/edge.pb.h"
#include "services/gateway/generation/generation.h"
#include "services/gateway/resume/event_cursor.h"
#include "services/gateway/tenants/charge.h"

namespace baleen {

// What resumption asks for beside the request itself.
struct Resumption {
  // A client that leaves may come back: its request stays with its workers for the resume window.
  bool resumable = false;
  // Another connection or gateway began it.
  bool resumed = false;
  // The request as workers keep it. Its seed is set by Apply.
  v1::EdgeRequest edge;
  // Of a resumed one: what its client has had, and what workers have.
  EventCounts had;
  std::map<uint32_t, GenerationResume> progress;

  // Makes a prepared generation resumable or go on where it was left. `events` of a whole answer are never told one by one, so its client
  // has had none. A resumable request that its client did not seed (`seeded`) gets the seed of its id: sent twice under one id it is the
  // same answer twice, so that nobody can be told the rest of another one. INVALID_ARGUMENT when the client has had what the request has
  // not.
  absl::StatusOr<EventCursor> Apply(bool streamed, bool seeded, GenerationInput* input) const;
};

// What a client that has had these events was billed.
BilledBefore BilledFor(const EventCursor& events);

}  // namespace baleen

#endif  // BALEEN_SERVICES_GATEWAY_RESUME_RESUMPTION_H_
