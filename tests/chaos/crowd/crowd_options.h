// What a crowd is told to do.
#ifndef BALEEN_TESTS_CHAOS_CROWD_CROWD_OPTIONS_H_
#define BALEEN_TESTS_CHAOS_CROWD_CROWD_OPTIONS_H_

#include <cstddef>
#include <cstdint>
#include <string>

#include "absl/status/status.h"
#include "absl/time/time.h"

namespace baleen {

// Of one crowd.
constexpr size_t kMaxRequests = 1'000'000;

struct CrowdOptions {
  std::string host;  // An IP address.
  int port = 0;
  std::string key;  // The tenant's.
  absl::Duration patience = absl::ZeroDuration();
  int max_tokens = 0;        // Of each answer, which always has so many.
  int64_t first_prompt = 0;  // Number of the first request's prompt; the others have the next ones.
  // So many streams, which ask again when their request has ended, or so many requests a second that come by themselves; the other is 0.
  int streams = 0;
  double rate = 0;
  std::string seed;  // Of when they come.
  // From then on no request begins but the first one of each stream.
  absl::Duration duration = absl::ZeroDuration();
};

// InvalidArgumentError names the first option that is wrong, as a flag.
absl::Status CheckCrowdOptions(const CrowdOptions& options);

}  // namespace baleen

#endif  // BALEEN_TESTS_CHAOS_CROWD_CROWD_OPTIONS_H_
