#include "transport/ucx/ucx_place.h"

#include <filesystem>
#include <fstream>
#include <system_error>

namespace baleen {

UcxPlace ThisPlace(const UcxOptions& options) {
  UcxPlace place;
  if (!UsesSharedMemory(options)) return place;
  std::getline(std::ifstream("/proc/sys/kernel/random/boot_id"), place.host);
  std::error_code ignored;
  place.network_namespace = std::filesystem::read_symlink("/proc/self/ns/net", ignored).string();
  return place;
}

bool CannotWake(const UcxPlace& one, const UcxPlace& other) {
  return !one.host.empty() && one.host == other.host && one.network_namespace != other.network_namespace;
}

}  // namespace baleen
