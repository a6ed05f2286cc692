#include "services/gateway/http/http_date.h"

#include "absl/time/time.h"

namespace baleen {

const std::string& HttpDate(int64_t unix_s) {
  thread_local int64_t second = 0;
  thread_local std::string date;
  if (date.empty() || unix_s != second) {
    date = absl::FormatTime("%a, %d %b %E4Y %H:%M:%S GMT", absl::FromUnixSeconds(unix_s), absl::UTCTimeZone());
    second = unix_s;
  }
  return date;
}

}  // namespace baleen
