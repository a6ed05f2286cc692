#include "services/common/exit_code.h"

#include <cstdlib>
#include <string>

#include "services/common/log.h"

namespace baleen {

int ExitCode(const absl::StatusOr<int>& served) {
  if (served.ok()) return *served;
  Log(LogLevel::kError, "cannot_start", {{"reason", std::string(served.status().message())}});
  return EXIT_FAILURE;
}

}  // namespace baleen
