#include "services/gateway/admission/service_time.h"

#include <algorithm>

namespace baleen {

void ServiceTime::Ended(int64_t tokens, absl::Duration ran, int64_t running) {
  const double weight = tokens_ == 0 ? 1 : 1 / static_cast<double>(std::max<int64_t>(running, 8));
  const double size = static_cast<double>(tokens);
  tokens_ += weight * (size - tokens_);
  token_seconds_ += weight * (size * std::max(absl::ToDoubleSeconds(ran), 0.0) - token_seconds_);
}

absl::Duration ServiceTime::TimeFor(int64_t tokens, int64_t running_tokens) const {
  if (tokens_ == 0) return absl::ZeroDuration();
  const double mean_s = token_seconds_ / tokens_;
  return absl::Seconds(static_cast<double>(tokens) * mean_s / static_cast<double>(std::max<int64_t>(running_tokens, 1)));
}

}  // namespace baleen
