// A sequence's tokens to what its client sees: text without control tokens, reasoning apart, cut at stop strings.
#ifndef BALEEN_SERVICES_GATEWAY_GENERATION_OUTPUT_ASSEMBLER_H_
#define BALEEN_SERVICES_GATEWAY_GENERATION_OUTPUT_ASSEMBLER_H_

#include <cstdint>
#include <memory>
#include <string>

#include "model/tokenizer/detokenizer.h"
#include "model/tokenizer/reasoning_parser.h"
#include "model/tokenizer/stop_matcher.h"
#include "model/tokenizer/tokenizer.h"

namespace baleen {

struct OutputDelta {
  std::string reasoning;
  std::string text;
  bool stopped = false;  // A stop string was met; nothing follows.
};

// Thread-compatible; a function of the tokens alone. Stop strings are looked for in the text, not in the reasoning.
class OutputAssembler {
 public:
  OutputAssembler(const Tokenizer& tokenizer, bool split_reasoning, bool opens_thinking, StopMatcher matcher);

  OutputDelta Add(int32_t token);
  // What was held back, when the sequence ended by itself.
  OutputDelta Finish();
  int64_t reasoning_tokens() const { return reasoning_tokens_; }

 private:
  OutputDelta Match(std::string reasoning, const std::string& text);

  std::unique_ptr<ReasoningParser> parser_;  // Null without split_reasoning.
  Detokenizer detokenizer_;
  StopMatcher matcher_;
  int64_t reasoning_tokens_ = 0;
};

}  // namespace baleen

#endif  // BALEEN_SERVICES_GATEWAY_GENERATION_OUTPUT_ASSEMBLER_H_
