#include "base/precise_json.h"

#include <boost/json.hpp>
#include <boost/json/basic_parser_impl.hpp>
#include <charconv>
#include <cmath>
#include <cstdint>

#include "absl/status/status.h"

namespace baleen {
namespace {

namespace json = boost::json;

// What basic_parser calls. Builds the value as the library's own parser does, but for doubles.
class ValueBuilder {
 public:
  static constexpr std::size_t max_object_size = json::object::max_size();
  static constexpr std::size_t max_array_size = json::array::max_size();
  static constexpr std::size_t max_key_size = json::string::max_size();
  static constexpr std::size_t max_string_size = json::string::max_size();

  ValueBuilder() { stack_.reset(); }
  json::value Release() { return stack_.release(); }

  bool on_document_begin(json::error_code&) { return true; }
  bool on_document_end(json::error_code&) { return true; }
  bool on_object_begin(json::error_code&) { return true; }
  bool on_object_end(std::size_t members, json::error_code&) { return stack_.push_object(members), true; }
  bool on_array_begin(json::error_code&) { return true; }
  bool on_array_end(std::size_t items, json::error_code&) { return stack_.push_array(items), true; }
  bool on_key_part(json::string_view text, std::size_t, json::error_code&) { return stack_.push_chars(text), true; }
  bool on_key(json::string_view text, std::size_t, json::error_code&) { return stack_.push_key(text), true; }
  bool on_string_part(json::string_view text, std::size_t, json::error_code&) { return stack_.push_chars(text), true; }
  bool on_string(json::string_view text, std::size_t, json::error_code&) { return stack_.push_string(text), true; }
  bool on_number_part(json::string_view, json::error_code&) { return true; }
  bool on_int64(int64_t number, json::string_view, json::error_code&) { return stack_.push_int64(number), true; }
  bool on_uint64(uint64_t number, json::string_view, json::error_code&) { return stack_.push_uint64(number), true; }
  bool on_bool(bool value, json::error_code&) { return stack_.push_bool(value), true; }
  bool on_null(json::error_code&) { return stack_.push_null(), true; }
  bool on_comment_part(json::string_view, json::error_code&) { return true; }
  bool on_comment(json::string_view, json::error_code&) { return true; }

  // `text` is the whole number where the whole document is one piece.
  bool on_double(double number, json::string_view text, json::error_code& error) {
    std::from_chars(text.data(), text.data() + text.size(), number);  // Leaves what is out of range: an infinity, or nearly 0.
    if (!std::isfinite(number)) error = make_error_code(boost::system::errc::result_out_of_range);
    if (!error) stack_.push_double(number);
    return !error;
  }

 private:
  json::value_stack stack_;
};

}  // namespace

absl::StatusOr<json::value> ParsePreciseJson(absl::string_view text, int max_depth) {
  json::parse_options options;
  options.max_depth = static_cast<std::size_t>(max_depth);
  json::basic_parser<ValueBuilder> parser(options);
  json::error_code error;
  const std::size_t read = parser.write_some(/*more=*/false, text.data(), text.size(), error);
  if (!error && read != text.size()) error = json::error::extra_data;
  if (error) return absl::InvalidArgumentError(error.message());
  return parser.handler().Release();
}

}  // namespace baleen
