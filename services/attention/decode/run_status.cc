#include "services/attention/decode/run_status.h"

namespace baleen {

absl::Status ToRunStatus(absl::Status end) { return absl::IsUnavailable(end) ? absl::FailedPreconditionError(end.message()) : end; }

}  // namespace baleen
