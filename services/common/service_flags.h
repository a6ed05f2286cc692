// The flags that every service process takes: --bind --advertise --grpc_port --metrics_port --placement --failure_domain
// --drain_timeout --log_level --log_level_file --core_dumps --tls_ca --tls_cert --tls_key --tls_crl --allow_plaintext --otlp_endpoint
// --otlp_ca.
#ifndef BALEEN_SERVICES_COMMON_SERVICE_FLAGS_H_
#define BALEEN_SERVICES_COMMON_SERVICE_FLAGS_H_

#include <string>

#include "absl/flags/declare.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "services/common/peer_role.h"
#include "services/common/server_runner.h"

ABSL_DECLARE_FLAG(std::string, bind);
ABSL_DECLARE_FLAG(int, grpc_port);
ABSL_DECLARE_FLAG(int, metrics_port);
ABSL_DECLARE_FLAG(std::string, placement);
ABSL_DECLARE_FLAG(std::string, failure_domain);
ABSL_DECLARE_FLAG(absl::Duration, drain_timeout);
ABSL_DECLARE_FLAG(std::string, log_level);

namespace baleen {

// Parses the command line, sets the log's role and level, forbids core dumps unless --core_dumps. INVALID_ARGUMENT for stray words, unknown
// log levels and drain timeouts outside 0 to 1 h; unknown flags and --help end the process as Abseil's parser does. The flags of `main`'s
// binary are declared beside it.
absl::Status ParseServiceFlags(int argc, char** argv, const std::string& role);

// Addresses, ports, drain timeout and credentials as the flags say; `peer_role` is what this process's certificate must carry. Errors name
// the flag or file. Call before other threads start: with certificates it starts one.
absl::StatusOr<ServerOptions> ServerOptionsFromFlags(const std::string& role, PeerRole peer_role);

// "<role>-<12 hex digits>": unique per process start.
std::string NewWorkerId(const std::string& role);

}  // namespace baleen

#endif  // BALEEN_SERVICES_COMMON_SERVICE_FLAGS_H_
