// Typed, bounded access to the fields of a JSON object from a file.
#ifndef BALEEN_MODEL_CONFIG_JSON_FIELDS_H_
#define BALEEN_MODEL_CONFIG_JSON_FIELDS_H_

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"

namespace boost::json {
class object;
}  // namespace boost::json

namespace baleen {

// Reads fields one after another; the first problem sticks in status() as INVALID_ARGUMENT "<origin>: <field>: <problem>", and later
// reads then do nothing. A null counts as absent. Nested objects share the status. Thread-compatible.
class JsonFields {
 public:
  // The text must be one JSON object, at most 32 levels deep.
  static absl::StatusOr<JsonFields> Parse(const std::string& text, const std::string& origin);
  // NOT_FOUND when there is no such file; INVALID_ARGUMENT when it is larger than max_bytes.
  static absl::StatusOr<JsonFields> Load(const std::string& path, int64_t max_bytes);

  bool Has(const std::string& name) const;

  // These return true and set *out when the field is there and right; an absent field is no error.
  bool Int(const std::string& name, int64_t min, int64_t max, int64_t* out);
  bool Number(const std::string& name, double min, double max, double* out);  // Integers too.
  bool Bool(const std::string& name, bool* out);
  bool String(const std::string& name, std::string* out);
  // An integer or a list of them.
  bool Ints(const std::string& name, int64_t min, int64_t max, std::vector<int64_t>* out);
  bool Strings(const std::string& name, std::vector<std::string>* out);
  // An object whose values are strings; a repeated key appears once, since parsing keeps the last.
  bool StringMap(const std::string& name, std::vector<std::pair<std::string, std::string>>* out);
  // As Int, but absence is an error.
  bool RequiredInt(const std::string& name, int64_t min, int64_t max, int64_t* out);

  // Absent without an error when there is no such field.
  std::optional<JsonFields> Object(const std::string& name);

  void Fail(const std::string& name, const std::string& problem);
  const absl::Status& status() const;

 private:
  struct Document;
  JsonFields(std::shared_ptr<Document> document, const boost::json::object* object, std::string prefix);

  std::shared_ptr<Document> document_;
  const boost::json::object* object_;
  std::string prefix_;  // Of nested fields: "rope_scaling."
};

}  // namespace baleen

#endif  // BALEEN_MODEL_CONFIG_JSON_FIELDS_H_
