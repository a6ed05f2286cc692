// How UCX is set up in a process.
#ifndef BALEEN_TRANSPORT_UCX_UCX_OPTIONS_H_
#define BALEEN_TRANSPORT_UCX_UCX_OPTIONS_H_

#include <functional>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/statusor.h"

namespace baleen {

struct UcxOptions {
  // What it may use, by name: "sm" is shared memory with processes of the same host, PID namespace and /dev/shm; every other name is a
  // network device, such as "lo", "eth0" or "mlx5_0:1". Nothing else is bound. No network by default: over TCP, UCX 1.13 aborts the process
  // (an assertion in wireup_ep.c) when a peer goes away while a connection to it is being set up.
  std::string devices = "sm";
  // UCX neither encrypts nor authenticates, so it is refused where this is true.
  bool encryption_required = false;
  // An active message without a session, with a wrong token, or malformed was dropped. Called with the worker's lock.
  std::function<void()> on_dropped = {};
};

// Names and values, as UCX knows them.
using UcxConfig = std::vector<std::pair<std::string, std::string>>;

// Whether "sm" is among its devices.
bool UsesSharedMemory(const UcxOptions& options);

// For ucp_config_modify. INVALID_ARGUMENT names the device that is not one.
absl::StatusOr<UcxConfig> UcxConfigOf(const UcxOptions& options);
// What UCX 1.13 takes from the environment alone, since ucp_config_modify does not reach the transports; it may be set otherwise already.
UcxConfig UcxEnvironment();

}  // namespace baleen

#endif  // BALEEN_TRANSPORT_UCX_UCX_OPTIONS_H_
