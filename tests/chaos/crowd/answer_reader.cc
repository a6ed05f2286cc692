#include "tests/chaos/crowd/answer_reader.h"

#include <algorithm>

#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/string_view.h"

namespace baleen {
namespace {

constexpr absl::string_view kEvent = "data: ";
constexpr absl::string_view kLastEvent = "data: [DONE]\n\n";
constexpr int kOk = 200;

}  // namespace

bool AnswerReader::complete() const { return is_done() && chunked() && status_ == kOk && absl::EndsWith(end_, kLastEvent); }

void AnswerReader::on_response_impl(int code, Text, int, Error&) { status_ = code; }

void AnswerReader::on_field_impl(boost::beast::http::field name, Text, Text value, Error&) {
  int seconds = 0;
  if (name == boost::beast::http::field::retry_after && absl::SimpleAtoi(absl::string_view(value.data(), value.size()), &seconds)) {
    retry_after_s_ = seconds;
  }
}

size_t AnswerReader::on_body_impl(Text body, Error&) { return body.size(); }

size_t AnswerReader::on_chunk_body_impl(uint64_t, Text body, Error&) {
  end_.append(body.data(), body.size());
  if (!first_event_ && absl::StrContains(end_, kEvent)) first_event_ = std::chrono::steady_clock::now();
  if (end_.size() > kLastEvent.size()) end_.erase(0, end_.size() - kLastEvent.size());
  return body.size();
}

}  // namespace baleen
