#include "tests/chaos/crowd/crowd_options.h"

#include <algorithm>
#include <boost/asio/ip/address.hpp>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"

namespace baleen {
namespace {

constexpr int kMaxPort = 65535;
constexpr int kMaxStreams = 10'000;
constexpr absl::Duration kMaxDuration = absl::Hours(24);

absl::Status Refused(absl::string_view flag, absl::string_view expected) {
  return absl::InvalidArgumentError(absl::StrCat("--", flag, ": expected ", expected));
}

bool IsAddress(const std::string& host) {
  boost::system::error_code error;
  boost::asio::ip::make_address(host, error);
  return !error;
}

bool IsWord(const std::string& key) {
  return !key.empty() && std::all_of(key.begin(), key.end(), [](unsigned char letter) { return absl::ascii_isgraph(letter); });
}

absl::Status CheckLoad(const CrowdOptions& options) {
  if ((options.streams == 0) == (options.rate == 0)) return Refused("streams", "either this or --rate");
  if (options.streams < 0 || options.streams > kMaxStreams) return Refused("streams", absl::StrCat("1 to ", kMaxStreams));
  const bool bounded = options.rate >= 0 && options.rate * absl::ToDoubleSeconds(options.duration) <= kMaxRequests;
  return bounded ? absl::OkStatus() : Refused("rate", absl::StrCat("more than 0, and at most ", kMaxRequests, " requests in all"));
}

}  // namespace

absl::Status CheckCrowdOptions(const CrowdOptions& options) {
  if (!IsAddress(options.host)) return Refused("host", "an IP address");
  if (options.port < 1 || options.port > kMaxPort) return Refused("port", absl::StrCat("1 to ", kMaxPort));
  if (!IsWord(options.key)) return Refused("key", "printable letters without blanks");
  if (options.patience <= absl::ZeroDuration() || options.patience > kMaxDuration) return Refused("patience", "more than 0s, at most 24h");
  if (options.max_tokens < 1) return Refused("max_tokens", "1 or more");
  if (options.first_prompt < 0) return Refused("first_prompt", "0 or more");
  if (options.duration < absl::ZeroDuration() || options.duration > kMaxDuration) return Refused("duration", "0s to 24h");
  return CheckLoad(options);
}

}  // namespace baleen
