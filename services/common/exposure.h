// What may go without TLS: loopback, and what the operator allows.
#ifndef BALEEN_SERVICES_COMMON_EXPOSURE_H_
#define BALEEN_SERVICES_COMMON_EXPOSURE_H_

#include <string>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"

namespace baleen {

// "localhost" and addresses that only this machine reaches.
bool IsLoopbackHost(const std::string& host);

// Of "host", "host:port" and "[host]:port".
std::string HostWithoutPort(absl::string_view address);

// A port to be opened: `flag` gives its address `bind`, `name` tells it from the process's others.
struct PortExposure {
  std::string flag = "--bind";
  std::string bind;
  bool encrypted = false;
  bool allow_plaintext = false;
  std::string name;
};

// OK when the address is a loopback one, or the port has TLS, or plaintext is allowed. INVALID_ARGUMENT names flag and port.
absl::Status CheckExposure(const PortExposure& port);

// The same for a server that is dialled without TLS: `flag` gives its address, `tls_flag` would give it TLS.
absl::Status CheckPlaintextPeer(absl::string_view flag, const std::string& address, absl::string_view tls_flag, bool allow_plaintext);

}  // namespace baleen

#endif  // BALEEN_SERVICES_COMMON_EXPOSURE_H_
