#include "model/tokenizer/reasoning_parser.h"

#include <utility>

#include "absl/strings/match.h"

namespace baleen {
namespace {

constexpr absl::string_view kThink = "<think>";
constexpr absl::string_view kEndThink = "</think>";
constexpr size_t kContentNewlinesTrimmed = 2;

StopMatcher EndTextMatcher(bool by_text) {
  std::vector<std::string> stops;
  if (by_text) stops.emplace_back(kEndThink);
  return *StopMatcher::Create(std::move(stops));
}

}  // namespace

ReasoningParser::ReasoningParser(const Tokenizer& tokenizer, bool opened)
    : detokenizer_(tokenizer, /*skip_special=*/true),
      think_(tokenizer.AddedTokenId(kThink)),
      end_think_(tokenizer.AddedTokenId(kEndThink)),
      state_(opened ? State::kThinking : State::kStart),
      end_text_(EndTextMatcher(!end_think_.has_value())) {}

ReasoningDelta ReasoningParser::Add(int32_t token) {
  ReasoningDelta delta;
  if (state_ == State::kStart && token == think_) {
    state_ = State::kThinking;
    return delta;
  }
  if (state_ == State::kThinking && token == end_think_) {
    AddText(detokenizer_.Finish(), &delta);
    EndThinking();
    return delta;
  }
  AddText(detokenizer_.Add(token), &delta);
  // With a <think> token only the very first token can open the reasoning.
  if (state_ == State::kStart && think_.has_value()) state_ = State::kContent;
  return delta;
}

ReasoningDelta ReasoningParser::Finish() {
  ReasoningDelta delta;
  AddText(detokenizer_.Finish(), &delta);
  if (state_ == State::kStart) {
    state_ = State::kContent;
    AddContent(std::exchange(start_text_, ""), &delta);
  }
  if (state_ == State::kThinking) AppendReasoning(end_text_.Finish(), &delta);
  newlines_ = 0;
  return delta;
}

void ReasoningParser::AddText(absl::string_view text, ReasoningDelta* delta) {
  if (text.empty()) return;
  switch (state_) {
    case State::kStart:
      AddStartText(text, delta);
      break;
    case State::kThinking:
      AddThinkingText(text, delta);
      break;
    case State::kContent:
      AddContent(text, delta);
      break;
  }
}

void ReasoningParser::AddStartText(absl::string_view text, ReasoningDelta* delta) {
  if (think_.has_value()) return AddContent(text, delta);
  start_text_.append(text.data(), text.size());
  if (start_text_.size() < kThink.size() && absl::StartsWith(kThink, start_text_)) return;
  const std::string all = std::exchange(start_text_, "");
  if (absl::StartsWith(all, kThink)) {
    state_ = State::kThinking;
    AddText(absl::string_view(all).substr(kThink.size()), delta);
  } else {
    state_ = State::kContent;
    AddContent(all, delta);
  }
}

void ReasoningParser::AddThinkingText(absl::string_view text, ReasoningDelta* delta) {
  const StopMatcher::Output output = end_text_.Add(text);
  AppendReasoning(output.text, delta);
  if (output.matched < 0) return;
  EndThinking();
  AddContent(output.after, delta);
}

void ReasoningParser::AddContent(absl::string_view text, ReasoningDelta* delta) {
  while (content_to_trim_ > 0 && !text.empty()) {
    if (text[0] != '\n') {
      content_to_trim_ = 0;
      break;
    }
    text.remove_prefix(1);
    --content_to_trim_;
  }
  delta->content.append(text.data(), text.size());
}

void ReasoningParser::AppendReasoning(absl::string_view text, ReasoningDelta* delta) {
  if (!reasoned_ && !text.empty()) {
    reasoned_ = true;
    if (text[0] == '\n') text.remove_prefix(1);
  }
  const size_t last = text.find_last_not_of('\n');
  if (last == absl::string_view::npos) {
    newlines_ += text.size();
    return;
  }
  delta->reasoning.append(std::exchange(newlines_, text.size() - last - 1), '\n');
  delta->reasoning.append(text.data(), last + 1);
}

void ReasoningParser::EndThinking() {
  newlines_ = 0;
  state_ = State::kContent;
  content_to_trim_ = kContentNewlinesTrimmed;
}

}  // namespace baleen
