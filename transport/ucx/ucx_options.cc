#include "transport/ucx/ucx_options.h"

#include <algorithm>
#include <cctype>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_split.h"
#include "transport/ucx/fragment.h"

namespace baleen {

namespace {

constexpr absl::string_view kSharedMemory = "sm";
// Room for UCX's own headers beside a fragment.
constexpr size_t kSegmentBytes = kMaxFragmentBytes + 1024;

bool IsDeviceName(absl::string_view name) {
  return !name.empty() && std::all_of(name.begin(), name.end(), [](unsigned char c) {
    return std::isalnum(c) || c == '_' || c == '-' || c == '.' || c == ':' || c == '@';
  });
}

}  // namespace

bool UsesSharedMemory(const UcxOptions& options) {
  const std::vector<absl::string_view> names = absl::StrSplit(options.devices, ',');
  return std::find(names.begin(), names.end(), kSharedMemory) != names.end();
}

absl::StatusOr<UcxConfig> UcxConfigOf(const UcxOptions& options) {
  bool shared_memory = false;
  bool rdma = false;
  std::vector<std::string> networks;
  for (const absl::string_view name : absl::StrSplit(options.devices, ',')) {
    if (!IsDeviceName(name)) {
      return absl::InvalidArgumentError(absl::StrCat("UCX devices \"", options.devices, "\": expected names with commas between"));
    }
    if (name == kSharedMemory) {
      shared_memory = true;
      continue;
    }
    // InfiniBand and RoCE devices are named with their port.
    rdma = rdma || absl::StrContains(name, ':');
    networks.emplace_back(name);
  }
  std::vector<std::string> transports;
  // POSIX segments are unlinked as soon as they are mapped, so a killed process leaves none behind; System V's would stay.
  if (shared_memory) transports.push_back("posix");
  if (!networks.empty()) transports.push_back("tcp");
  if (rdma) transports.insert(transports.end(), {"rc", "ud"});
  return UcxConfig{
      {"TLS", absl::StrJoin(transports, ",")},
      {"NET_DEVICES", networks.empty() ? "all" : absl::StrJoin(networks, ",")},
      // No memory of a process is written or read by another one.
      {"RNDV_THRESH", "inf"},
  };
}

UcxConfig UcxEnvironment() {
  return {
      // Without it, shared memory is left out for endpoints that are to notice their peer's death.
      {"UCX_POSIX_ERROR_HANDLING", "y"},
      {"UCX_POSIX_SEG_SIZE", absl::StrCat(kSegmentBytes)},
      // Segments allocated at a time: 4 MiB, where the default would be 17.
      {"UCX_POSIX_RX_BUFS_GROW", "128"},
      {"UCX_TCP_TX_SEG_SIZE", absl::StrCat(kSegmentBytes)},
      {"UCX_TCP_RX_SEG_SIZE", absl::StrCat(2 * kSegmentBytes)},
      {"UCX_TCP_PUT_ENABLE", "n"},
  };
}

}  // namespace baleen
