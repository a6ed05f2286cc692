// The flags that every service process takes: --bind --grpc_port --metrics_port --placement --failure_domain --log_level.
#ifndef BALEEN_SERVICES_COMMON_SERVICE_FLAGS_H_
#define BALEEN_SERVICES_COMMON_SERVICE_FLAGS_H_

#include <string>

#include "absl/flags/declare.h"
#include "absl/status/status.h"

ABSL_DECLARE_FLAG(std::string, bind);
ABSL_DECLARE_FLAG(int, grpc_port);
ABSL_DECLARE_FLAG(int, metrics_port);
ABSL_DECLARE_FLAG(std::string, placement);
ABSL_DECLARE_FLAG(std::string, failure_domain);
ABSL_DECLARE_FLAG(std::string, log_level);

namespace baleen {

struct ServerOptions;

// Parses the command line, sets the log's role and level. INVALID_ARGUMENT for stray words and unknown log levels; unknown flags and
// --help end the process as Abseil's parser does. The flags of `main`'s binary are declared beside it.
absl::Status ParseServiceFlags(int argc, char** argv, const std::string& role);

// Bind address and ports as the flags say.
ServerOptions ServerOptionsFromFlags(const std::string& role);

// "<role>-<12 hex digits>": unique per process start.
std::string NewWorkerId(const std::string& role);

}  // namespace baleen

#endif  // BALEEN_SERVICES_COMMON_SERVICE_FLAGS_H_
