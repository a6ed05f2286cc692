#include "base/cores.h"

#include <linux/mempolicy.h>
#include <sched.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <climits>
#include <cstring>
#include <fstream>
#include <iterator>
#include <set>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_split.h"
#include "absl/strings/strip.h"
#include "base/status_macros.h"

namespace baleen {

namespace {

constexpr int kMaxNodes = 1024;

absl::StatusOr<std::vector<int>> ParseRange(absl::string_view range) {
  const std::pair<absl::string_view, absl::string_view> ends = absl::StrSplit(range, absl::MaxSplits('-', 1));
  const bool single = range.find('-') == absl::string_view::npos;
  int first = 0;
  int last = 0;
  if (!absl::SimpleAtoi(ends.first, &first) || !absl::SimpleAtoi(single ? ends.first : ends.second, &last)) {
    return absl::InvalidArgumentError(absl::StrCat("\"", range, "\" is no core and no range such as 0-3"));
  }
  if (first < 0 || last >= CPU_SETSIZE) return absl::InvalidArgumentError(absl::StrCat(range, ": cores are 0 to ", CPU_SETSIZE - 1));
  if (last < first) return absl::InvalidArgumentError(absl::StrCat(range, ": the range is empty"));
  std::vector<int> cores;
  for (int core = first; core <= last; ++core) cores.push_back(core);
  return cores;
}

std::vector<int> Allowed() {
  cpu_set_t set;
  CPU_ZERO(&set);
  std::vector<int> cores;
  if (sched_getaffinity(0, sizeof(set), &set) != 0) return cores;
  for (int core = 0; core < CPU_SETSIZE; ++core) {
    if (CPU_ISSET(core, &set)) cores.push_back(core);
  }
  return cores;
}

std::vector<int> Common(const std::vector<int>& a, const std::vector<int>& b) {
  std::vector<int> both;
  std::set_intersection(a.begin(), a.end(), b.begin(), b.end(), std::back_inserter(both));
  return both;
}

absl::StatusOr<std::vector<int>> CoresOfNode(int node) {
  std::ifstream file(absl::StrCat("/sys/devices/system/node/node", node, "/cpulist"));
  std::string list;
  if (!std::getline(file, list)) {
    std::ifstream online("/sys/devices/system/node/online");
    std::string nodes;
    std::getline(online, nodes);
    return absl::InvalidArgumentError(
        absl::StrCat("--numa_node=", node, ": this machine has ", nodes.empty() ? "none" : absl::StrCat("nodes ", nodes)));
  }
  return ParseCores(absl::StripAsciiWhitespace(list));
}

absl::Status BindMemory(int node) {
  constexpr size_t kBitsPerWord = CHAR_BIT * sizeof(unsigned long);
  unsigned long mask[kMaxNodes / kBitsPerWord] = {};
  mask[static_cast<size_t>(node) / kBitsPerWord] = 1ul << (static_cast<size_t>(node) % kBitsPerWord);
  if (syscall(SYS_set_mempolicy, MPOL_BIND, mask, kMaxNodes) == 0) return absl::OkStatus();
  return absl::InvalidArgumentError(absl::StrCat("--numa_node=", node, ": memory cannot be bound: ", std::strerror(errno)));
}

absl::Status SetAffinity(const std::vector<int>& cores) {
  cpu_set_t set;
  CPU_ZERO(&set);
  for (const int core : cores) CPU_SET(static_cast<size_t>(core), &set);
  if (sched_setaffinity(0, sizeof(set), &set) == 0) return absl::OkStatus();
  return absl::InvalidArgumentError(absl::StrCat("--cores: ", std::strerror(errno)));
}

}  // namespace

absl::StatusOr<std::vector<int>> ParseCores(absl::string_view list) {
  std::set<int> cores;
  for (const absl::string_view range : absl::StrSplit(list, ',')) {
    ASSIGN_OR_RETURN(const std::vector<int> some, ParseRange(range));
    cores.insert(some.begin(), some.end());
  }
  return std::vector<int>(cores.begin(), cores.end());
}

absl::Status ConfineTo(const ComputePlace& place) {
  if (place.numa_node < -1 || place.numa_node >= kMaxNodes) {
    return absl::InvalidArgumentError(absl::StrCat("--numa_node=", place.numa_node, ": -1 (any) to ", kMaxNodes - 1));
  }
  if (place.cores.empty() && place.numa_node < 0) return absl::OkStatus();
  const std::vector<int> allowed = Allowed();
  std::vector<int> cores = allowed;
  if (!place.cores.empty()) {
    const absl::StatusOr<std::vector<int>> wanted = ParseCores(place.cores);
    if (!wanted.ok()) return absl::InvalidArgumentError(absl::StrCat("--cores: ", wanted.status().message()));
    cores = Common(*wanted, allowed);
    if (cores.size() < wanted->size()) {
      return absl::InvalidArgumentError(
          absl::StrCat("--cores=", place.cores, ": this process may run on ", absl::StrJoin(allowed, ","), " alone"));
    }
  }
  if (place.numa_node >= 0) {
    ASSIGN_OR_RETURN(const std::vector<int> of_node, CoresOfNode(place.numa_node));
    cores = Common(cores, of_node);
    if (cores.empty()) {
      return absl::InvalidArgumentError(
          absl::StrCat("--numa_node=", place.numa_node, ": none of the cores that this process may run on is there"));
    }
    RETURN_IF_ERROR(BindMemory(place.numa_node));
  }
  return SetAffinity(cores);
}

int AvailableCores() { return std::max(1, static_cast<int>(Allowed().size())); }

}  // namespace baleen
