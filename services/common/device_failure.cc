#include "services/common/device_failure.h"

#include <cstdlib>
#include <string>

#include "services/common/log.h"

namespace baleen {

void EndWithTheDevice(const absl::Status& failure) {
  Log(LogLevel::kError, "device_failed", {{"error", std::string(failure.message())}});
  std::_Exit(EXIT_FAILURE);
}

}  // namespace baleen
