#include "model/tokenizer/tool_call_parser.h"

#include <utility>

#include "absl/strings/match.h"
#include "absl/strings/strip.h"

namespace baleen {
namespace {

constexpr absl::string_view kFence = "```json\n";

StopMatcher EndFence(ToolCallSyntax syntax) {
  std::vector<std::string> stops;
  if (syntax == ToolCallSyntax::kFenced) stops.emplace_back("\n```");
  return *StopMatcher::Create(std::move(stops));
}

}  // namespace

ToolCallParser::ToolCallParser(const Tokenizer& tokenizer, ToolCallSyntax syntax)
    : syntax_(syntax),
      calls_begin_(tokenizer.AddedTokenId("<｜tool▁calls▁begin｜>")),
      calls_end_(tokenizer.AddedTokenId("<｜tool▁calls▁end｜>")),
      call_begin_(tokenizer.AddedTokenId("<｜tool▁call▁begin｜>")),
      call_end_(tokenizer.AddedTokenId("<｜tool▁call▁end｜>")),
      separator_(tokenizer.AddedTokenId("<｜tool▁sep｜>")),
      detokenizer_(tokenizer, /*skip_special=*/true),
      tokenizer_(tokenizer),
      end_fence_(EndFence(syntax)) {}

bool ToolCallParser::Add(int32_t token, std::vector<ToolCallDelta>* deltas) {
  if (token == call_begin_) {
    EndCall(deltas);
    BeginCall();
    return true;
  }
  if (token == calls_begin_ || token == call_end_ || token == calls_end_) {
    EndCall(deltas);
    state_ = State::kBetween;
    return true;
  }
  if (state_ == State::kText) return false;
  if (token == separator_ && state_ == State::kHeader) {
    pending_ += detokenizer_.Finish();
    if (syntax_ == ToolCallSyntax::kPlain) {
      BeginArguments(std::exchange(pending_, ""), "", deltas);
    } else {
      pending_.clear();  // The word "function".
      state_ = State::kName;
    }
    return true;
  }
  if (state_ != State::kBetween) OnText(detokenizer_.Add(token), deltas);
  return true;
}

void ToolCallParser::OnText(const std::string& text, std::vector<ToolCallDelta>* deltas) {
  if (state_ == State::kArguments) return AddArguments(text, deltas);
  pending_ += text;
  if (state_ == State::kName) OnNameText(deltas);
}

// The name ends with its line; then comes the fence, or at once what should have been in it.
void ToolCallParser::OnNameText(std::vector<ToolCallDelta>* deltas) {
  const size_t line = pending_.find('\n');
  if (line == std::string::npos) return;
  absl::string_view rest = absl::string_view(pending_).substr(line + 1);
  if (rest.size() < kFence.size() && absl::StartsWith(kFence, rest)) return;
  absl::ConsumePrefix(&rest, kFence);
  BeginArguments(pending_.substr(0, line), std::string(rest), deltas);
}

void ToolCallParser::BeginArguments(std::string name, const std::string& arguments, std::vector<ToolCallDelta>* deltas) {
  state_ = State::kArguments;
  pending_.clear();
  deltas->push_back({calls_ - 1, PrivateText(std::move(name)), PrivateText()});
  AddArguments(arguments, deltas);
}

void ToolCallParser::AddArguments(const std::string& text, std::vector<ToolCallDelta>* deltas) {
  std::string arguments = end_fence_.Add(text).text;
  if (!arguments.empty()) deltas->push_back({calls_ - 1, PrivateText(), PrivateText(std::move(arguments))});
}

void ToolCallParser::BeginCall() {
  ++calls_;
  state_ = State::kHeader;
  pending_.clear();
  detokenizer_ = Detokenizer(tokenizer_, /*skip_special=*/true);
  end_fence_ = EndFence(syntax_);
}

void ToolCallParser::EndCall(std::vector<ToolCallDelta>* deltas) {
  if (state_ != State::kHeader && state_ != State::kName && state_ != State::kArguments) return;
  OnText(detokenizer_.Finish(), deltas);
  if (state_ != State::kArguments) BeginArguments(pending_.substr(0, pending_.find('\n')), "", deltas);
  std::string rest = end_fence_.Finish();
  if (!rest.empty()) deltas->push_back({calls_ - 1, PrivateText(), PrivateText(std::move(rest))});
  state_ = State::kBetween;
}

void ToolCallParser::Finish(std::vector<ToolCallDelta>* deltas) { EndCall(deltas); }

}  // namespace baleen
