// JSON whose numbers are the doubles nearest to what was written.
#ifndef BALEEN_BASE_PRECISE_JSON_H_
#define BALEEN_BASE_PRECISE_JSON_H_

#include <boost/json/value.hpp>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"

namespace baleen {

// As boost::json::parse, whose doubles (Boost 1.81) may be a unit in the last place off: 3e23 becomes 2.9999999999999997e23.
// INVALID_ARGUMENT for what is no JSON, nests deeper than `max_depth`, or has a number beyond a double's range.
absl::StatusOr<boost::json::value> ParsePreciseJson(absl::string_view text, int max_depth);

}  // namespace baleen

#endif  // BALEEN_BASE_PRECISE_JSON_H_
