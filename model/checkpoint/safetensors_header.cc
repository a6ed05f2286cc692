#include "model/checkpoint/safetensors_header.h"

#include <algorithm>
#include <boost/json/basic_parser_impl.hpp>
#include <tuple>
#include <unordered_set>
#include <utility>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "base/status_macros.h"

namespace baleen {
namespace {

namespace json = boost::json;

constexpr size_t kMaxDimensions = 8;
constexpr size_t kMaxNameBytes = 4096;
constexpr char kMetadata[] = "__metadata__";

// Follows the grammar {name: {"dtype": string, "shape": [int...], "data_offsets": [int, int]}, ..., "__metadata__": {string: string}}.
// An event parser, since a document tree would hide repeated names and could outgrow the text many times.
class HeaderHandler {
 public:
  static constexpr size_t max_object_size = static_cast<size_t>(-1);
  static constexpr size_t max_array_size = kMaxDimensions;
  static constexpr size_t max_key_size = kMaxNameBytes;
  static constexpr size_t max_string_size = static_cast<size_t>(-1);

  std::vector<SafetensorsEntry> entries;
  std::string problem;

  bool on_document_begin(json::error_code&) { return true; }
  bool on_document_end(json::error_code&) { return true; }

  bool on_object_begin(json::error_code& error) {
    ++depth_;
    if (depth_ > 2 || in_array_) return Refuse(error, "an object where none belongs");
    if (depth_ == 1) return true;
    fields_ = 0;
    if (InMetadata()) return true;
    if (!names_.insert(name_).second) return Refuse(error, "named twice");
    entries.emplace_back();
    entries.back().name = name_;
    return true;
  }

  bool on_object_end(size_t, json::error_code& error) {
    if (--depth_ == 1 && !InMetadata() && fields_ != kAllFields) return Refuse(error, "dtype, shape or data_offsets is missing");
    return true;
  }

  bool on_array_begin(json::error_code& error) {
    if (depth_ != 2 || in_array_ || (field_ != kShape && field_ != kOffsets)) return Refuse(error, "a list where none belongs");
    in_array_ = true;
    offsets_.clear();
    return true;
  }

  bool on_array_end(size_t, json::error_code& error) {
    in_array_ = false;
    if (field_ == kOffsets) {
      if (offsets_.size() != 2) return Refuse(error, "data_offsets must be two numbers");
      entries.back().begin = offsets_[0];
      entries.back().end = offsets_[1];
    }
    fields_ |= field_;
    return true;
  }

  bool on_key_part(json::string_view part, size_t, json::error_code&) {
    key_.append(part.data(), part.size());
    return true;
  }

  bool on_key(json::string_view part, size_t, json::error_code& error) {
    key_.append(part.data(), part.size());
    const std::string key = std::exchange(key_, {});
    if (depth_ == 1) {
      name_ = key;
      return true;
    }
    if (InMetadata()) return true;
    field_ = key == "dtype" ? kDtype : key == "shape" ? kShape : key == "data_offsets" ? kOffsets : kNone;
    if (field_ == kNone) return Refuse(error, absl::StrCat("unknown field '", key, "'"));
    if ((fields_ & field_) != 0) return Refuse(error, absl::StrCat(key, " appears twice"));
    return true;
  }

  bool on_string_part(json::string_view part, size_t total, json::error_code& error) {
    if (InMetadata() && depth_ == 2) return true;
    if (depth_ != 2 || in_array_ || field_ != kDtype || total > kMaxNameBytes) return Refuse(error, "a string where none belongs");
    entries.back().dtype.append(part.data(), part.size());
    return true;
  }

  bool on_string(json::string_view part, size_t total, json::error_code& error) {
    if (!on_string_part(part, total, error)) return false;
    if (!InMetadata()) fields_ |= kDtype;
    return true;
  }

  bool on_int64(int64_t value, json::string_view, json::error_code& error) {
    if (!in_array_) return Refuse(error, "a number where none belongs");
    if (value < 0) return Refuse(error, "a negative number");
    (field_ == kShape ? entries.back().shape : offsets_).push_back(value);
    return true;
  }

  bool on_uint64(uint64_t, json::string_view, json::error_code& error) { return Refuse(error, "a number beyond 2^63"); }
  bool on_double(double, json::string_view, json::error_code& error) { return Refuse(error, "a number that is not whole"); }
  bool on_number_part(json::string_view, json::error_code&) { return true; }
  bool on_bool(bool, json::error_code& error) { return Refuse(error, "a value of the wrong type"); }
  bool on_null(json::error_code& error) { return Refuse(error, "a value of the wrong type"); }
  bool on_comment_part(json::string_view, json::error_code&) { return true; }
  bool on_comment(json::string_view, json::error_code&) { return true; }

 private:
  enum Field { kNone = 0, kDtype = 1, kShape = 2, kOffsets = 4, kAllFields = 7 };

  bool InMetadata() const { return name_ == kMetadata; }

  bool Refuse(json::error_code& error, absl::string_view what) {
    problem = name_.empty() ? std::string(what) : absl::StrCat("tensor ", name_, ": ", what);
    error = json::error::syntax;
    return false;
  }

  int depth_ = 0;
  bool in_array_ = false;
  std::string name_, key_;
  int field_ = kNone, fields_ = 0;
  std::vector<int64_t> offsets_;
  std::unordered_set<std::string> names_;
};

// Bytes of one element; 0 = not a dtype of the format.
int64_t ElementBytes(const std::string& dtype) {
  static constexpr std::pair<const char*, int64_t> kSizes[] = {
      {"F32", 4}, {"BF16", 2}, {"F8_E4M3", 1}, {"F8_E5M2", 1}, {"F8_E8M0", 1}, {"F16", 2}, {"F64", 8}, {"BOOL", 1},
      {"U8", 1},  {"I8", 1},   {"U16", 2},     {"I16", 2},     {"U32", 4},     {"I32", 4}, {"U64", 8}, {"I64", 8},
  };
  for (const auto& [name, bytes] : kSizes) {
    if (dtype == name) return bytes;
  }
  return 0;
}

absl::Status CheckExtent(const SafetensorsEntry& entry, int64_t data_bytes, const std::string& origin) {
  const auto error = [&](auto... parts) {
    return absl::InvalidArgumentError(absl::StrCat(origin, ": tensor ", entry.name, ": ", parts...));
  };
  int64_t bytes = ElementBytes(entry.dtype);
  if (bytes == 0) return error("unknown dtype '", entry.dtype, "'");
  for (const int64_t dimension : entry.shape) {
    if (__builtin_mul_overflow(bytes, dimension, &bytes)) return error("shape [", absl::StrJoin(entry.shape, ", "), "] is too large");
  }
  if (entry.end < entry.begin || entry.end > data_bytes) {
    return error("data_offsets [", entry.begin, ", ", entry.end, "] are outside the file's ", data_bytes, " data bytes");
  }
  if (entry.end - entry.begin != bytes) {
    return error(entry.dtype, " [", absl::StrJoin(entry.shape, ", "), "] needs ", bytes, " bytes, data_offsets span ",
                 entry.end - entry.begin);
  }
  return absl::OkStatus();
}

absl::Status CheckCover(const std::vector<SafetensorsEntry>& entries, int64_t data_bytes, const std::string& origin) {
  int64_t covered = 0;
  const SafetensorsEntry* previous = nullptr;
  for (const SafetensorsEntry& entry : entries) {
    if (entry.begin < covered) {
      return absl::InvalidArgumentError(absl::StrCat(origin, ": tensor ", entry.name, ": overlaps tensor ", previous->name));
    }
    if (entry.begin > covered) {
      return absl::InvalidArgumentError(
          absl::StrCat(origin, ": tensor ", entry.name, ": ", entry.begin - covered, " bytes before it belong to no tensor"));
    }
    covered = entry.end;
    previous = &entry;
  }
  if (covered == data_bytes) return absl::OkStatus();
  return absl::InvalidArgumentError(absl::StrCat(origin, ": the last ", data_bytes - covered, " bytes belong to no tensor"));
}

}  // namespace

absl::StatusOr<std::vector<SafetensorsEntry>> ParseSafetensorsHeader(absl::string_view text, int64_t data_bytes,
                                                                     const std::string& origin) {
  json::parse_options options;
  options.max_depth = 4;  // One more than the grammar has, so that the handler names the tensor.
  json::basic_parser<HeaderHandler> parser(options);
  json::error_code error;
  // The format allows trailing spaces, as padding.
  while (!text.empty() && text.back() == ' ') text.remove_suffix(1);
  const size_t used = parser.write_some(false, text.data(), text.size(), error);
  HeaderHandler& handler = parser.handler();
  if (!error && (used != text.size() || text.empty() || text.front() != '{')) error = json::error::syntax;
  if (error) {
    const std::string& problem = handler.problem;
    return absl::InvalidArgumentError(absl::StrCat(origin, ": header: ", problem.empty() ? "not valid JSON: " + error.message() : problem));
  }
  std::vector<SafetensorsEntry> entries = std::move(handler.entries);
  for (const SafetensorsEntry& entry : entries) RETURN_IF_ERROR(CheckExtent(entry, data_bytes, origin));
  std::sort(entries.begin(), entries.end(), [](const SafetensorsEntry& a, const SafetensorsEntry& b) {
    return std::tie(a.begin, a.end, a.name) < std::tie(b.begin, b.end, b.name);
  });
  RETURN_IF_ERROR(CheckCover(entries, data_bytes, origin));
  return entries;
}

}  // namespace baleen
