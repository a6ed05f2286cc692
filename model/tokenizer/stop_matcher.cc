#include "model/tokenizer/stop_matcher.h"

#include <algorithm>
#include <utility>

#include "absl/status/status.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"

namespace baleen {

absl::StatusOr<StopMatcher> StopMatcher::Create(std::vector<std::string> stops) {
  if (stops.size() > kStopsMax) return absl::InvalidArgumentError(absl::StrCat("stop: at most ", kStopsMax, " strings"));
  for (size_t i = 0; i < stops.size(); ++i) {
    if (stops[i].empty() || stops[i].size() > kStopBytesMax) {
      return absl::InvalidArgumentError(absl::StrCat("stop[", i, "]: must have 1 to ", kStopBytesMax, " bytes"));
    }
  }
  return StopMatcher(std::move(stops));
}

StopMatcher::StopMatcher(std::vector<std::string> stops) : stops_(std::move(stops)) {}

StopMatcher::Output StopMatcher::Add(absl::string_view text) {
  Output output;
  if (done_) return output;
  held_.append(text.data(), text.size());
  size_t start = 0, end = std::string::npos;
  for (size_t i = 0; i < stops_.size(); ++i) {
    const size_t at = held_.find(stops_[i]);
    if (at == std::string::npos) continue;
    const size_t stop_end = at + stops_[i].size();
    if (stop_end > end || (stop_end == end && at >= start)) continue;
    start = at;
    end = stop_end;
    output.matched = static_cast<int>(i);
  }
  if (output.matched >= 0) {
    done_ = true;
    output.text = held_.substr(0, start);
    output.after = held_.substr(end);
    held_.clear();
    return output;
  }
  const size_t passed = held_.size() - HeldSuffix();
  output.text = held_.substr(0, passed);
  held_.erase(0, passed);
  return output;
}

std::string StopMatcher::Finish() { return std::exchange(held_, ""); }

size_t StopMatcher::HeldSuffix() const {
  size_t longest = 0;
  for (const std::string& stop : stops_) {
    for (size_t length = std::min(stop.size() - 1, held_.size()); length > longest; --length) {
      if (absl::EndsWith(held_, absl::string_view(stop).substr(0, length))) longest = length;
    }
  }
  return longest;
}

}  // namespace baleen
