// Response bodies of chat and text completions, whole and streamed, in OpenAI's shape with DeepSeek's fields.
#ifndef BALEEN_SERVICES_GATEWAY_REST_ANSWERS_H_
#define BALEEN_SERVICES_GATEWAY_REST_ANSWERS_H_

#include <cstdint>
#include <string>
#include <vector>

#include "base/private_text.h"
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
  std::string numerics_id;  // Of the last event that had one.
  int logprobs = -1;
  bool usage_follows = false;  // A stream ends with its usage; until then chunks have none.
  const Tokenizer* tokenizer = nullptr;
};

// One whole choice, gathered from its events.
struct GatheredAnswer {
  PrivateText reasoning;
  PrivateText text;
  std::vector<ToolCallDelta> tool_calls;
  std::vector<TokenChoice> tokens;
  Finish finish = Finish::kNone;

  void Add(GenerationEvent event);
};

// What a choice's chunks so far have said.
struct ChunkState {
  bool begun = false;
  int64_t text_offset = 0;  // Characters.
};

// Unique within the server, and the same whenever the answer is told.
std::string ToolCallId(const std::string& request_id, uint32_t choice, int index);

std::string WholeBody(const AnswerHead& head, const std::vector<GatheredAnswer>& answers, const GenerationUsage& usage);

// The chunk for an event of the choice that `state` belongs to; the first one has the role. Empty when the event shows nothing.
std::string ChunkBody(const AnswerHead& head, const GenerationEvent& event, ChunkState* state);
// The last chunk under stream_options.include_usage: no choices.
std::string UsageChunkBody(const AnswerHead& head, const GenerationUsage& usage);

}  // namespace baleen

#endif  // BALEEN_SERVICES_GATEWAY_REST_ANSWERS_H_
