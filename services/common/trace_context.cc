#include "services/common/trace_context.h"

#include <algorithm>

#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "services/common/request_id.h"

namespace baleen {
namespace {

constexpr size_t kTraceAt = 3;
constexpr size_t kSpanAt = 36;
constexpr size_t kFlagsAt = 53;
constexpr size_t kLength = 55;

bool IsLowerHex(absl::string_view text) {
  return std::all_of(text.begin(), text.end(), [](char c) { return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f'); });
}

bool AllZero(absl::string_view hex) { return hex.find_first_not_of('0') == absl::string_view::npos; }

std::string Bytes(absl::string_view hex) { return absl::HexStringToBytes(hex); }

}  // namespace

std::optional<TraceContext> ParseTraceparent(absl::string_view header) {
  if (header.size() < kLength || header[2] != '-' || header[kSpanAt - 1] != '-' || header[kFlagsAt - 1] != '-') return std::nullopt;
  const absl::string_view version = header.substr(0, 2);
  const absl::string_view trace = header.substr(kTraceAt, 32);
  const absl::string_view span = header.substr(kSpanAt, 16);
  const absl::string_view flags = header.substr(kFlagsAt, 2);
  if (!IsLowerHex(version) || !IsLowerHex(trace) || !IsLowerHex(span) || !IsLowerHex(flags)) return std::nullopt;
  if (version == "ff" || AllZero(trace) || AllZero(span)) return std::nullopt;
  if (header.size() > kLength && (version == "00" || header[kLength] != '-')) return std::nullopt;
  return TraceContext{Bytes(trace), Bytes(span), (static_cast<unsigned char>(Bytes(flags)[0]) & 1) != 0};
}

std::string FormatTraceparent(const TraceContext& context) {
  return absl::StrCat("00-", absl::BytesToHexString(context.trace_id), "-", absl::BytesToHexString(context.span_id), "-",
                      context.sampled ? "01" : "00");
}

std::string NewSpanId() { return NewRequestId().substr(0, 8); }

}  // namespace baleen
