// Ends streamed text at the first of a request's stop strings.
#ifndef BALEEN_MODEL_TOKENIZER_STOP_MATCHER_H_
#define BALEEN_MODEL_TOKENIZER_STOP_MATCHER_H_

#include <cstddef>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"

namespace baleen {

// Holds back text that could be the start of a stop string, so at most kStopBytesMax - 1 bytes. The outcome depends on the text alone, not
// on how it is cut into calls: the stop string that is complete first ends the text where it starts; of several complete at the same byte
// the longest. Thread-compatible.
class StopMatcher {
 public:
  static constexpr size_t kStopsMax = 16;
  static constexpr size_t kStopBytesMax = 512;

  // INVALID_ARGUMENT for an empty stop string or one over a limit. No stop strings: all text passes.
  static absl::StatusOr<StopMatcher> Create(std::vector<std::string> stops);

  struct Output {
    std::string text;   // To be passed on.
    int matched = -1;   // Index of the stop string that ended the text.
    std::string after;  // What followed the match in this call's text.
  };
  // After a match every call returns nothing.
  Output Add(absl::string_view text);
  // What was held back and turned out to be no stop string.
  std::string Finish();

 private:
  explicit StopMatcher(std::vector<std::string> stops);
  size_t HeldSuffix() const;

  std::vector<std::string> stops_;
  std::string held_;
  bool done_ = false;
};

}  // namespace baleen

#endif  // BALEEN_MODEL_TOKENIZER_STOP_MATCHER_H_
