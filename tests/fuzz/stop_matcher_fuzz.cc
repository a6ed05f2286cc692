// Stop strings: the outcome depends on the text alone, not on how it is cut.

#include <algorithm>
#include <cstdint>
#include <string>
#include <vector>

#include "model/tokenizer/stop_matcher.h"
#include "tests/fuzz/fuzz_input.h"

namespace baleen {
namespace {

struct Outcome {
  std::string text;
  int matched = -1;
};

Outcome Run(StopMatcher matcher, absl::string_view text, absl::string_view cuts) {
  Outcome outcome;
  size_t given = 0;
  for (const absl::string_view piece : CutText(text, cuts)) {
    const StopMatcher::Output output = matcher.Add(piece);
    given += piece.size();
    outcome.text += output.text;
    Require(given - outcome.text.size() < StopMatcher::kStopBytesMax || outcome.matched >= 0 || output.matched >= 0, "little is held back");
    if (output.matched < 0) continue;
    Require(outcome.matched < 0, "one stop string ends a text");
    outcome.matched = output.matched;
  }
  outcome.text += matcher.Finish();
  return outcome;
}

// The stop string that is complete first; of several the longest.
Outcome Expected(const std::vector<std::string>& stops, const std::string& text) {
  for (size_t end = 1; end <= text.size(); ++end) {
    int best = -1;
    for (size_t i = 0; i < stops.size(); ++i) {
      const std::string& stop = stops[i];
      if (stop.size() > end || text.compare(end - stop.size(), stop.size(), stop) != 0) continue;
      if (best < 0 || stop.size() > stops[static_cast<size_t>(best)].size()) best = static_cast<int>(i);
    }
    if (best >= 0) return {text.substr(0, end - stops[static_cast<size_t>(best)].size()), best};
  }
  return {text, -1};
}

}  // namespace
}  // namespace baleen

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace baleen;
  FuzzInput input(data, size);
  std::vector<std::string> stops;
  for (int count = input.Byte() % 20; count > 0; --count) stops.push_back(input.Line());
  const std::string cuts = input.Line();
  const std::string text = input.Bytes(4096);
  absl::StatusOr<StopMatcher> matcher = StopMatcher::Create(stops);
  if (!matcher.ok()) return 0;
  const Outcome expected = Expected(stops, text);
  for (const absl::string_view how : {absl::string_view(cuts), absl::string_view(), absl::string_view("\0", 1)}) {
    const Outcome outcome = Run(*matcher, text, how);
    Require(outcome.text == expected.text, "the text ends where the first complete stop string starts");
    Require((outcome.matched < 0) == (expected.matched < 0), "a stop string is found when there is one");
    if (outcome.matched < 0) continue;
    Require(stops[static_cast<size_t>(outcome.matched)] == stops[static_cast<size_t>(expected.matched)], "the longest one counts");
  }
  return 0;
}
