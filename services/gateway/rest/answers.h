// Response bodies of chat and text completions, whole and streamed, in OpenAI's shape with DeepSeek's fields.
#ifndef BALEEN_SERVICES_GATEWAY_REST_ANSWERS_H_
#define BALEEN_SERVICES_GATEWAY_REST_ANSWERS_H_

#include <cstdint>
#include <string>
#include <vector>

#include "model/tokenizer/tokenizer.h"
#include "services/gateway/generation/generation.h"

namespace baleen {

enum class AnswerKind { kChat, kCompletion };

// What all bodies of one request have in common.
struct AnswerHead {
  AnswerKind kind = AnswerKind::kChat;
  std::string request_id;  // Hexadecimal.
  std::string model;
  int64_t created_unix_s = 0;
  int logprobs = -1;
  const Tokenizer* tokenizer = nullptr;
};

// A whole answer, gathered from all events.
struct GatheredAnswer {
  std::string reasoning;
  std::string text;
  std::vector<TokenChoice> tokens;
  Finish finish = Finish::kNone;
  GenerationUsage usage;

  void Add(GenerationEvent event);
};

std::string WholeBody(const AnswerHead& head, const GatheredAnswer& answer);

// The chunk for an event; `first` adds the role. Empty when the event shows nothing.
std::string ChunkBody(const AnswerHead& head, const GenerationEvent& event, bool first);
// The last chunk under stream_options.include_usage: no choices.
std::string UsageChunkBody(const AnswerHead& head, const GenerationUsage& usage);

}  // namespace baleen

#endif  // BALEEN_SERVICES_GATEWAY_REST_ANSWERS_H_
