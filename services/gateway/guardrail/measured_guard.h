// A guard's metrics: checks, blocks, what is noted, failures, how long answers take. Its failures are logged by request id.
#ifndef BALEEN_SERVICES_GATEWAY_GUARDRAIL_MEASURED_GUARD_H_
#define BALEEN_SERVICES_GATEWAY_GUARDRAIL_MEASURED_GUARD_H_

#include <memory>
#include <string>
#include <vector>

#include "services/gateway/guardrail/guard.h"

namespace prometheus {
class Registry;
}

namespace baleen {

// `guard` with metrics in `registry`, which outlives it. Series of `categories` are there from the start; of names that a guard brings
// later the first 32 get their own, all others are "other".
std::unique_ptr<Guard> MeasureGuard(std::unique_ptr<Guard> guard, const std::vector<std::string>& categories,
                                    prometheus::Registry& registry);

}  // namespace baleen

#endif  // BALEEN_SERVICES_GATEWAY_GUARDRAIL_MEASURED_GUARD_H_
