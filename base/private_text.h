// Text that a user typed or got. It goes to its user and to the model, and nowhere else.
#ifndef BALEEN_BASE_PRIVATE_TEXT_H_
#define BALEEN_BASE_PRIVATE_TEXT_H_

#include <cstddef>
#include <ostream>
#include <string>
#include <utility>

namespace baleen {

// Holds text that must not be printed by accident: it converts to no other text, so that neither streams, absl::StrCat, absl::StrFormat,
// Status messages nor log fields take it. What has to have the text says reveal(), which //tests/tidy refuses in logs, metrics, traces and
// errors.
// A value type; thread-compatible.
class PrivateText {
 public:
  PrivateText() = default;
  explicit PrivateText(std::string text) : text_(std::move(text)) {}

  const std::string& reveal() const& { return text_; }
  std::string reveal() && { return std::move(text_); }

  bool empty() const { return text_.empty(); }
  size_t size() const { return text_.size(); }
  void Append(const PrivateText& more) { text_ += more.text_; }
  void Prepend(const PrivateText& more) { text_.insert(0, more.text_); }

  // All that may be shown: "[12 bytes]".
  std::string Redacted() const { return "[" + std::to_string(text_.size()) + " bytes]"; }

  friend bool operator==(const PrivateText& a, const PrivateText& b) { return a.text_ == b.text_; }
  friend std::ostream& operator<<(std::ostream&, const PrivateText&) = delete;
  friend void PrintTo(const PrivateText& text, std::ostream* out) { *out << text.Redacted(); }  // For GoogleTest.

 private:
  std::string text_;
};

}  // namespace baleen

#endif  // BALEEN_BASE_PRIVATE_TEXT_H_
