// Structured logs: one JSON object a line on stderr. Never user text: fields are ids, counts, names and statuses.
#ifndef BALEEN_SERVICES_COMMON_LOG_H_
#define BALEEN_SERVICES_COMMON_LOG_H_

#include <initializer_list>
#include <optional>
#include <string>
#include <utility>

#include "absl/strings/string_view.h"
#include "absl/time/time.h"

namespace baleen {

enum class LogLevel { kDebug, kInfo, kWarning, kError };

using LogField = std::pair<absl::string_view, std::string>;

// {"time": RFC 3339, "level": "info", "role": ..., "event": ..., fields...}. Thread-safe; one write a line.
void Log(LogLevel level, absl::string_view event, std::initializer_list<LogField> fields = {});
void SetLogRole(const std::string& role);
// Thread-safe: levels change while the process serves.
void SetLogLevel(LogLevel minimum);
LogLevel GetLogLevel();
// "debug", "info", "warning", "error"; nullopt for other words.
std::optional<LogLevel> ParseLogLevel(absl::string_view name);

// The line that Log writes, newline included.
std::string FormatLogLine(LogLevel level, absl::string_view role, absl::string_view event, std::initializer_list<LogField> fields,
                          absl::Time now);

}  // namespace baleen

#endif  // BALEEN_SERVICES_COMMON_LOG_H_
