#include "services/gateway/rest/answers.h"

#include <algorithm>
#include <boost/json.hpp>
#include <utility>

#include "absl/strings/str_cat.h"
#include "model/tokenizer/detokenizer.h"
#include "model/tokenizer/utf8.h"

namespace baleen {
namespace {

namespace json = boost::json;

json::value FinishName(Finish finish) {
  switch (finish) {
    case Finish::kStop:
      return "stop";
    case Finish::kLength:
      return "length";
    case Finish::kContentFilter:
      return "content_filter";
    case Finish::kInsufficientResource:
      return "insufficient_system_resource";
    case Finish::kToolCalls:
      return "tool_calls";
    case Finish::kNone:
      break;
  }
  return nullptr;
}

// A token's own text; bytes that are no character by themselves show as U+FFFD.
std::string TokenText(const Tokenizer& tokenizer, int32_t token) { return Detokenize(tokenizer, {token}, /*skip_special=*/false); }

json::object TokenEntry(const Tokenizer& tokenizer, int32_t token, float logprob) {
  json::array bytes;
  for (const char byte : tokenizer.TokenBytes(token)) bytes.push_back(static_cast<uint8_t>(byte));
  return {{"token", TokenText(tokenizer, token)}, {"logprob", logprob}, {"bytes", std::move(bytes)}};
}

json::object TokenEntry(const Tokenizer& tokenizer, const TokenChoice& choice) {
  json::object entry = TokenEntry(tokenizer, choice.token, choice.logprob);
  json::array top;
  for (const auto& [token, logprob] : choice.top) top.push_back(TokenEntry(tokenizer, token, logprob));
  entry["top_logprobs"] = std::move(top);
  return entry;
}

// DeepSeek's form: the tokens of the reasoning are apart, as their text is.
json::value ChatLogprobs(const AnswerHead& head, const std::vector<TokenChoice>& tokens) {
  if (head.logprobs < 0) return nullptr;
  json::array content;
  json::array reasoning;
  for (const TokenChoice& choice : tokens) {
    (choice.place == TokenPlace::kReasoning ? reasoning : content).push_back(TokenEntry(*head.tokenizer, choice));
  }
  json::object logprobs{{"content", std::move(content)}, {"refusal", nullptr}};
  if (!reasoning.empty()) logprobs["reasoning_content"] = std::move(reasoning);
  return logprobs;
}

// Those that have a place, up to where a stop string cut the text.
std::vector<TokenChoice> ShownTokens(const GatheredAnswer& answer) {
  std::vector<TokenChoice> shown;
  int64_t begin = 0;
  for (const TokenChoice& choice : answer.tokens) {
    if (choice.place == TokenPlace::kNone) continue;
    if (choice.place == TokenPlace::kReasoning || begin < static_cast<int64_t>(answer.text.size())) shown.push_back(choice);
    begin += choice.text_bytes;
  }
  return shown;
}

// A character that spans tokens counts with the one it begins in.
int64_t Characters(absl::string_view bytes) {
  return std::count_if(bytes.begin(), bytes.end(), [](char byte) { return !ContinuesUtf8(byte); });
}

// `offset` is where the first token begins in the choice's text, in characters.
json::value CompletionLogprobs(const AnswerHead& head, const std::vector<TokenChoice>& tokens, int64_t offset) {
  if (head.logprobs < 0) return nullptr;
  json::array texts;
  json::array logprobs;
  json::array tops;
  json::array offsets;
  for (const TokenChoice& choice : tokens) {
    texts.emplace_back(TokenText(*head.tokenizer, choice.token));
    logprobs.emplace_back(choice.logprob);
    json::object top;
    for (const auto& [token, logprob] : choice.top) top[TokenText(*head.tokenizer, token)] = logprob;
    tops.push_back(std::move(top));
    offsets.push_back(offset);
    offset += Characters(head.tokenizer->TokenBytes(choice.token));
  }
  return json::object{{"tokens", std::move(texts)},
                      {"token_logprobs", std::move(logprobs)},
                      {"top_logprobs", std::move(tops)},
                      {"text_offset", std::move(offsets)}};
}

json::object UsageObject(const GenerationUsage& usage) {
  return {{"prompt_tokens", usage.prompt_tokens},
          {"completion_tokens", usage.completion_tokens},
          {"total_tokens", usage.prompt_tokens + usage.completion_tokens},
          {"prompt_cache_hit_tokens", usage.prompt_cache_hit_tokens},
          {"prompt_cache_miss_tokens", usage.prompt_tokens - usage.prompt_cache_hit_tokens},
          {"prompt_tokens_details", json::object{{"cached_tokens", usage.prompt_cache_hit_tokens}}},
          {"completion_tokens_details", json::object{{"reasoning_tokens", usage.reasoning_tokens}}}};
}

// The same request with the same seed gives the same tokens from the same model under the same fingerprint.
json::value SystemFingerprint(const AnswerHead& head) {
  return head.numerics_id.empty() ? json::value(nullptr) : json::value(absl::StrCat("fp_", head.numerics_id));
}

json::object Envelope(const AnswerHead& head, bool chunk, json::array choices) {
  const bool chat = head.kind == AnswerKind::kChat;
  return {{"id", absl::StrCat(chat ? "chatcmpl-" : "cmpl-", head.request_id)},
          {"object", chat ? (chunk ? "chat.completion.chunk" : "chat.completion") : "text_completion"},
          {"created", head.created_unix_s},
          {"model", head.model},
          {"system_fingerprint", SystemFingerprint(head)},
          {"choices", std::move(choices)}};
}

json::object ToolCallObject(const AnswerHead& head, uint32_t choice, const ToolCallDelta& call) {
  return {{"id", ToolCallId(head.request_id, choice, call.index)},
          {"type", "function"},
          {"function", json::object{{"name", call.name.reveal()}, {"arguments", call.arguments.reveal()}}}};
}

json::object ToolCallChunk(const AnswerHead& head, uint32_t choice, const ToolCallDelta& call) {
  json::object chunk;
  if (call.name.empty()) {
    chunk["function"] = json::object{{"arguments", call.arguments.reveal()}};
  } else {
    chunk = ToolCallObject(head, choice, call);
  }
  chunk["index"] = call.index;
  return chunk;
}

json::object ChatDelta(const AnswerHead& head, const GenerationEvent& event, bool first) {
  json::object delta;
  if (first) delta["role"] = "assistant";
  if (!event.reasoning.empty()) delta["reasoning_content"] = event.reasoning.reveal();
  if (!event.text.empty() || (first && event.reasoning.empty())) delta["content"] = event.text.reveal();
  if (event.tool_calls.empty()) return delta;
  json::array calls;
  for (const ToolCallDelta& call : event.tool_calls) calls.push_back(ToolCallChunk(head, event.choice, call));
  delta["tool_calls"] = std::move(calls);
  return delta;
}

json::object ChatMessage(const AnswerHead& head, uint32_t choice, const GatheredAnswer& answer) {
  json::object message{{"role", "assistant"}, {"content", answer.text.reveal()}, {"refusal", nullptr}};
  if (!answer.reasoning.empty()) message["reasoning_content"] = answer.reasoning.reveal();
  if (answer.tool_calls.empty()) return message;
  if (answer.text.empty()) message["content"] = nullptr;
  json::array calls;
  for (const ToolCallDelta& call : answer.tool_calls) calls.push_back(ToolCallObject(head, choice, call));
  message["tool_calls"] = std::move(calls);
  return message;
}

}  // namespace

std::string ToolCallId(const std::string& request_id, uint32_t choice, int index) {
  return absl::StrCat("call_", request_id, "_", choice, "_", index);
}

void GatheredAnswer::Add(GenerationEvent event) {
  reasoning.Append(event.reasoning);
  text.Append(event.text);
  for (ToolCallDelta& call : event.tool_calls) {
    if (static_cast<size_t>(call.index) >= tool_calls.size()) {
      tool_calls.push_back(std::move(call));
    } else {
      tool_calls[static_cast<size_t>(call.index)].arguments.Append(call.arguments);
    }
  }
  tokens.insert(tokens.end(), event.tokens.begin(), event.tokens.end());
  finish = event.finish;
}

std::string WholeBody(const AnswerHead& head, const std::vector<GatheredAnswer>& answers, const GenerationUsage& usage) {
  json::array choices;
  for (uint32_t i = 0; i < answers.size(); ++i) {
    const GatheredAnswer& answer = answers[i];
    json::object choice{{"index", i}, {"finish_reason", FinishName(answer.finish)}};
    if (head.kind == AnswerKind::kChat) {
      choice["message"] = ChatMessage(head, i, answer);
      choice["logprobs"] = ChatLogprobs(head, ShownTokens(answer));
    } else {
      choice["text"] = answer.text.reveal();
      choice["logprobs"] = CompletionLogprobs(head, ShownTokens(answer), 0);
    }
    choices.push_back(std::move(choice));
  }
  json::object body = Envelope(head, /*chunk=*/false, std::move(choices));
  body["usage"] = UsageObject(usage);
  return json::serialize(body);
}

std::string ChunkBody(const AnswerHead& head, const GenerationEvent& event, ChunkState* state) {
  const bool first = !std::exchange(state->begun, true);
  std::vector<TokenChoice> tokens = head.logprobs >= 0 ? event.tokens : std::vector<TokenChoice>();
  std::erase_if(tokens, [](const TokenChoice& token) { return token.place == TokenPlace::kNone; });
  const bool shows_tokens = !tokens.empty();
  const bool empty = event.text.empty() && event.reasoning.empty() && event.tool_calls.empty();
  if (!first && empty && !event.last() && !shows_tokens) return "";
  json::object choice{{"index", event.choice}, {"finish_reason", FinishName(event.finish)}};
  if (head.kind == AnswerKind::kChat) {
    choice["delta"] = ChatDelta(head, event, first);
    choice["logprobs"] = shows_tokens ? ChatLogprobs(head, tokens) : json::value(nullptr);
  } else {
    choice["text"] = event.text.reveal();
    choice["logprobs"] = shows_tokens ? CompletionLogprobs(head, tokens, state->text_offset) : json::value(nullptr);
    for (const TokenChoice& token : tokens) {
      state->text_offset += Characters(head.tokenizer->TokenBytes(token.token));
    }
  }
  json::object body = Envelope(head, /*chunk=*/true, {std::move(choice)});
  if (head.usage_follows) body["usage"] = nullptr;
  return json::serialize(body);
}

std::string UsageChunkBody(const AnswerHead& head, const GenerationUsage& usage) {
  json::object body = Envelope(head, /*chunk=*/true, {});
  body["usage"] = UsageObject(usage);
  return json::serialize(body);
}

}  // namespace baleen
