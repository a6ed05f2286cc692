// Many clients of one gateway: streams that ask again and again, or requests that come whether earlier ones have ended or not.
#ifndef BALEEN_TESTS_CHAOS_CROWD_RUN_CROWD_H_
#define BALEEN_TESTS_CHAOS_CROWD_RUN_CROWD_H_

#include <vector>

#include "tests/chaos/crowd/crowd_options.h"
#include "tests/chaos/crowd/sample.h"

namespace baleen {

// One sample of each request, in the order in which they ended. `options` are good ones (CheckCrowdOptions). Requests begin until the
// duration is over, there were kMaxRequests, or SIGTERM or SIGINT comes; returns when all of them have ended.
std::vector<Sample> RunCrowd(const CrowdOptions& options);

}  // namespace baleen

#endif  // BALEEN_TESTS_CHAOS_CROWD_RUN_CROWD_H_
