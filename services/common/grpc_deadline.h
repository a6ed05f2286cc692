// Deadlines as gRPC takes and tells them.
#ifndef BALEEN_SERVICES_COMMON_GRPC_DEADLINE_H_
#define BALEEN_SERVICES_COMMON_GRPC_DEADLINE_H_

#include <grpc/support/time.h>
#include <grpcpp/server_context.h>

#include "absl/time/time.h"
#include "base/clock.h"

namespace baleen {

// A time of Clock::Real(), by the monotonic clock: no jump of the wall clock moves it.
inline gpr_timespec GrpcDeadline(absl::Time deadline) {
  if (deadline == absl::InfiniteFuture()) return gpr_inf_future(GPR_CLOCK_MONOTONIC);
  const int64_t left_ns = absl::ToInt64Nanoseconds(deadline - Clock::Real()->Now());
  return gpr_time_add(gpr_now(GPR_CLOCK_MONOTONIC), gpr_time_from_nanos(left_ns, GPR_TIMESPAN));
}

// How long the client of a call still waits.
inline absl::Duration TimeLeft(const grpc::ServerContextBase& context) {
  const gpr_timespec deadline = context.raw_deadline();
  const gpr_timespec left = gpr_time_sub(deadline, gpr_now(deadline.clock_type));
  return absl::Seconds(left.tv_sec) + absl::Nanoseconds(left.tv_nsec);
}

}  // namespace baleen

#endif  // BALEEN_SERVICES_COMMON_GRPC_DEADLINE_H_
