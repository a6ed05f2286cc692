#include "services/common/exposure.h"

#include <boost/asio/ip/address.hpp>

#include "absl/strings/str_cat.h"

namespace baleen {

bool IsLoopbackHost(const std::string& host) {
  boost::system::error_code error;
  const boost::asio::ip::address address = boost::asio::ip::make_address(host, error);
  return error ? host == "localhost" : address.is_loopback();
}

std::string HostWithoutPort(absl::string_view address) {
  if (!address.empty() && address.front() == '[') return std::string(address.substr(1, address.find(']') - 1));
  return std::string(address.substr(0, address.find(':')));
}

absl::Status CheckExposure(const PortExposure& port) {
  if (port.encrypted || port.allow_plaintext || IsLoopbackHost(port.bind)) return absl::OkStatus();
  return absl::InvalidArgumentError(
      absl::StrCat(port.flag, "=", port.bind, ": others could reach the ", port.name,
                   " port without TLS; give it certificates, or --allow_plaintext where the network is trusted"));
}

absl::Status CheckPlaintextPeer(absl::string_view flag, const std::string& address, absl::string_view tls_flag, bool allow_plaintext) {
  if (allow_plaintext || IsLoopbackHost(HostWithoutPort(address))) return absl::OkStatus();
  return absl::InvalidArgumentError(absl::StrCat(flag, "=", address, ": would be reached without TLS; give ", tls_flag,
                                                 ", or --allow_plaintext where the network is trusted"));
}

}  // namespace baleen
