#include "services/common/process_metrics.h"

#include <dirent.h>
#include <sys/resource.h>
#include <unistd.h>

#include <fstream>
#include <iterator>
#include <optional>
#include <string>
#include <utility>

#include "absl/strings/numbers.h"
#include "absl/strings/str_split.h"
#include "absl/strings/string_view.h"

namespace baleen {
namespace {

// Positions in /proc/self/stat behind the command's closing bracket; see proc(5), where they are 14, 15, 22 and 24.
constexpr size_t kUserTicks = 11;
constexpr size_t kSystemTicks = 12;
constexpr size_t kStartTicks = 19;
constexpr size_t kResidentPages = 21;

std::string ReadFile(const char* path) {
  std::ifstream file(path);
  return {std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
}

std::optional<double> OpenFiles() {
  DIR* directory = opendir("/proc/self/fd");
  if (directory == nullptr) return std::nullopt;
  int entries = 0;
  while (readdir(directory) != nullptr) ++entries;
  closedir(directory);
  return entries - 3;  // Without ".", ".." and the directory's own descriptor.
}

std::optional<double> BootTime() {
  for (const absl::string_view line : absl::StrSplit(ReadFile("/proc/stat"), '\n')) {
    double seconds = 0;
    if (line.substr(0, 6) == "btime " && absl::SimpleAtod(line.substr(6), &seconds)) return seconds;
  }
  return std::nullopt;
}

class Families {
 public:
  void Add(const char* name, const char* help, std::optional<double> value, prometheus::MetricType type = prometheus::MetricType::Gauge) {
    if (!value) return;
    prometheus::ClientMetric metric;
    metric.gauge.value = *value;
    metric.counter.value = *value;
    families_.push_back({name, help, type, {std::move(metric)}});
  }
  std::vector<prometheus::MetricFamily> Take() { return std::move(families_); }

 private:
  std::vector<prometheus::MetricFamily> families_;
};

void AddStat(Families& families) {
  const std::string stat = ReadFile("/proc/self/stat");
  const size_t command_end = stat.rfind(") ");
  if (command_end == std::string::npos) return;
  const std::vector<std::string> fields = absl::StrSplit(stat.substr(command_end + 2), ' ');
  if (fields.size() <= kResidentPages) return;
  const auto field = [&fields](size_t index) {
    double value = 0;
    return absl::SimpleAtod(fields[index], &value) ? value : 0;
  };
  const double ticks = static_cast<double>(sysconf(_SC_CLK_TCK));
  families.Add("process_cpu_seconds_total", "User and system time.", (field(kUserTicks) + field(kSystemTicks)) / ticks,
               prometheus::MetricType::Counter);
  families.Add("process_resident_memory_bytes", "Resident memory.", field(kResidentPages) * static_cast<double>(sysconf(_SC_PAGESIZE)));
  if (const auto boot = BootTime()) {
    families.Add("process_start_time_seconds", "Start, since the Unix epoch.", *boot + field(kStartTicks) / ticks);
  }
}

}  // namespace

std::vector<prometheus::MetricFamily> CollectProcessMetrics(bool ready) {
  Families families;
  families.Add("baleen_ready", "1 when the process would answer a request now, else 0.", ready ? 1 : 0);
  AddStat(families);
  families.Add("process_open_fds", "Open file descriptors.", OpenFiles());
  rlimit limit{};
  if (getrlimit(RLIMIT_NOFILE, &limit) == 0) {
    families.Add("process_max_fds", "Most file descriptors that may be open.", static_cast<double>(limit.rlim_cur));
  }
  return families.Take();
}

}  // namespace baleen
