#include "services/common/log.h"

#include <unistd.h>

#include <atomic>
#include <mutex>

#include "absl/strings/str_format.h"
#include "absl/time/clock.h"
#include "absl/time/time.h"

namespace baleen {
namespace {

std::atomic<LogLevel> minimum_level{LogLevel::kInfo};

struct RoleName {
  std::mutex mutex;
  std::string value;
};

RoleName& Role() {
  static auto* role = new RoleName;  // Outlives threads that log during exit.
  return *role;
}

absl::string_view LevelName(LogLevel level) {
  switch (level) {
    case LogLevel::kDebug:
      return "debug";
    case LogLevel::kInfo:
      return "info";
    case LogLevel::kWarning:
      return "warning";
    case LogLevel::kError:
      return "error";
  }
  return "unknown";
}

void AppendJsonString(std::string& out, absl::string_view text) {
  out.push_back('"');
  for (char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    if (c == '"' || c == '\\') {
      out.push_back('\\');
      out.push_back(c);
    } else if (byte < 0x20 || byte == 0x7f) {
      absl::StrAppendFormat(&out, "\\u%04x", byte);
    } else {
      out.push_back(c);
    }
  }
  out.push_back('"');
}

void AppendField(std::string& out, absl::string_view key, absl::string_view value) {
  out.append(", ");
  AppendJsonString(out, key);
  out.append(": ");
  AppendJsonString(out, value);
}

}  // namespace

std::string FormatLogLine(LogLevel level, absl::string_view role, absl::string_view event, std::initializer_list<LogField> fields,
                          absl::Time now) {
  std::string line = "{\"time\": ";
  AppendJsonString(line, absl::FormatTime("%Y-%m-%dT%H:%M:%E3SZ", now, absl::UTCTimeZone()));
  AppendField(line, "level", LevelName(level));
  AppendField(line, "role", role);
  AppendField(line, "event", event);
  for (const auto& [key, value] : fields) AppendField(line, key, value);
  line.append("}\n");
  return line;
}

void Log(LogLevel level, absl::string_view event, std::initializer_list<LogField> fields) {
  if (level < minimum_level.load(std::memory_order_relaxed)) return;
  std::string role;
  {
    std::lock_guard lock(Role().mutex);
    role = Role().value;
  }
  const std::string line = FormatLogLine(level, role, event, fields, absl::Now());
  // A log line that can't be written has nowhere to be reported.
  [[maybe_unused]] const ssize_t written = ::write(STDERR_FILENO, line.data(), line.size());
}

void SetLogRole(const std::string& role) {
  std::lock_guard lock(Role().mutex);
  Role().value = role;
}

void SetLogLevel(LogLevel minimum) { minimum_level.store(minimum, std::memory_order_relaxed); }

LogLevel GetLogLevel() { return minimum_level.load(std::memory_order_relaxed); }

std::optional<LogLevel> ParseLogLevel(absl::string_view name) {
  for (const LogLevel level : {LogLevel::kDebug, LogLevel::kInfo, LogLevel::kWarning, LogLevel::kError}) {
    if (name == LevelName(level)) return level;
  }
  return std::nullopt;
}

}  // namespace baleen
