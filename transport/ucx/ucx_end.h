// UcxCoordinates <-> baleen.v1.UcxEnd.
#ifndef BALEEN_TRANSPORT_UCX_UCX_END_H_
#define BALEEN_TRANSPORT_UCX_UCX_END_H_

#include "absl/status/statusor.h"
#include "proto/baleen/v1/ucx.pb.h"
#include "transport/ucx/ucx_place.h"
#include "transport/ucx/ucx_session.h"

namespace baleen {

// `here` is this end's place.
v1::UcxEnd ToWire(const UcxCoordinates& coordinates, const UcxPlace& here);
// INVALID_ARGUMENT names what is malformed; FAILED_PRECONDITION when the peer's UCX is another version, or neither end could wake the
// other.
absl::StatusOr<UcxCoordinates> FromWire(const v1::UcxEnd& end, const UcxPlace& here);

}  // namespace baleen

#endif  // BALEEN_TRANSPORT_UCX_UCX_END_H_
