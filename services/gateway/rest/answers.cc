#include "services/gateway/rest/answers.h"

#include <boost/json.hpp>
#include <utility>

#include "absl/strings/str_cat.h"
#include "model/tokenizer/detokenizer.h"

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
    case Finish::kNone:
      break;
  }
  return nullptr;
}

// A token's own text; bytes that are no character by themselves show as U+FFFD.
std::string TokenText(const Tokenizer& tokenizer, int32_t token) {
  Detokenizer detokenizer(tokenizer, /*skip_special=*/false);
  std::string text = detokenizer.Add(token);
  return text + detokenizer.Finish();
}

json::object TokenEntry(const Tokenizer& tokenizer, int32_t token, float logprob) {
  json::array bytes;
  for (const char byte : tokenizer.TokenBytes(token)) bytes.push_back(static_cast<uint8_t>(byte));
  return {{"token", TokenText(tokenizer, token)}, {"logprob", logprob}, {"bytes", std::move(bytes)}};
}

json::value ChatLogprobs(const AnswerHead& head, const std::vector<TokenChoice>& tokens) {
  if (head.logprobs < 0) return nullptr;
  json::array content;
  for (const TokenChoice& choice : tokens) {
    json::object entry = TokenEntry(*head.tokenizer, choice.token, choice.logprob);
    json::array top;
    for (const auto& [token, logprob] : choice.top) top.push_back(TokenEntry(*head.tokenizer, token, logprob));
    entry["top_logprobs"] = std::move(top);
    content.push_back(std::move(entry));
  }
  return json::object{{"content", std::move(content)}};
}

json::value CompletionLogprobs(const AnswerHead& head, const std::vector<TokenChoice>& tokens) {
  if (head.logprobs < 0) return nullptr;
  json::array texts;
  json::array logprobs;
  json::array tops;
  for (const TokenChoice& choice : tokens) {
    texts.emplace_back(TokenText(*head.tokenizer, choice.token));
    logprobs.emplace_back(choice.logprob);
    json::object top;
    for (const auto& [token, logprob] : choice.top) top[TokenText(*head.tokenizer, token)] = logprob;
    tops.push_back(std::move(top));
  }
  return json::object{{"tokens", std::move(texts)}, {"token_logprobs", std::move(logprobs)}, {"top_logprobs", std::move(tops)}};
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

json::object Envelope(const AnswerHead& head, bool chunk, json::array choices) {
  const bool chat = head.kind == AnswerKind::kChat;
  return {{"id", absl::StrCat(chat ? "chatcmpl-" : "cmpl-", head.request_id)},
          {"object", chat ? (chunk ? "chat.completion.chunk" : "chat.completion") : "text_completion"},
          {"created", head.created_unix_s},
          {"model", head.model},
          {"choices", std::move(choices)}};
}

json::object ChatDelta(const GenerationEvent& event, bool first) {
  json::object delta;
  if (first) delta["role"] = "assistant";
  if (!event.reasoning.empty()) delta["reasoning_content"] = event.reasoning;
  if (!event.text.empty() || (first && event.reasoning.empty())) delta["content"] = event.text;
  return delta;
}

}  // namespace

void GatheredAnswer::Add(GenerationEvent event) {
  reasoning += event.reasoning;
  text += event.text;
  tokens.insert(tokens.end(), event.tokens.begin(), event.tokens.end());
  finish = event.finish;
  usage = event.usage;
}

std::string WholeBody(const AnswerHead& head, const GatheredAnswer& answer) {
  json::object choice{{"index", 0}, {"finish_reason", FinishName(answer.finish)}};
  if (head.kind == AnswerKind::kChat) {
    json::object message{{"role", "assistant"}, {"content", answer.text}};
    if (!answer.reasoning.empty()) message["reasoning_content"] = answer.reasoning;
    choice["message"] = std::move(message);
    choice["logprobs"] = ChatLogprobs(head, answer.tokens);
  } else {
    choice["text"] = answer.text;
    choice["logprobs"] = CompletionLogprobs(head, answer.tokens);
  }
  json::object body = Envelope(head, /*chunk=*/false, {std::move(choice)});
  body["usage"] = UsageObject(answer.usage);
  return json::serialize(body);
}

std::string ChunkBody(const AnswerHead& head, const GenerationEvent& event, bool first) {
  const bool shows_tokens = head.logprobs >= 0 && !event.tokens.empty();
  if (!first && event.text.empty() && event.reasoning.empty() && !event.last() && !shows_tokens) return "";
  json::object choice{{"index", 0}, {"finish_reason", FinishName(event.finish)}};
  if (head.kind == AnswerKind::kChat) {
    choice["delta"] = ChatDelta(event, first);
    choice["logprobs"] = shows_tokens ? ChatLogprobs(head, event.tokens) : json::value(nullptr);
  } else {
    choice["text"] = event.text;
    choice["logprobs"] = shows_tokens ? CompletionLogprobs(head, event.tokens) : json::value(nullptr);
  }
  return json::serialize(Envelope(head, /*chunk=*/true, {std::move(choice)}));
}

std::string UsageChunkBody(const AnswerHead& head, const GenerationUsage& usage) {
  json::object body = Envelope(head, /*chunk=*/true, {});
  body["usage"] = UsageObject(usage);
  return json::serialize(body);
}

}  // namespace baleen
