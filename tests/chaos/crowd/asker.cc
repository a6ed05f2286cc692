#include "tests/chaos/crowd/asker.h"

#include <utility>

#include "absl/strings/str_cat.h"
#include "tests/chaos/crowd/answer_reader.h"

namespace baleen {
namespace {

using MonotonicTime = std::chrono::steady_clock::time_point;

double Seconds(std::chrono::steady_clock::duration duration) { return std::chrono::duration<double>(duration).count(); }

Sample ToSample(MonotonicTime begun, const AnswerReader& answer) {
  Sample sample;
  sample.begun = Seconds(begun.time_since_epoch());
  if (answer.first_event()) sample.first_s = Seconds(*answer.first_event() - begun);
  sample.took_s = Seconds(std::chrono::steady_clock::now() - begun);
  sample.status = answer.status();
  sample.answered = answer.complete();
  sample.retry_after_s = answer.retry_after_s();
  return sample;
}

}  // namespace

Asker::Asker(boost::asio::io_context& io, AskerOptions options)
    : io_(io),
      options_(std::move(options)),
      head_(absl::StrCat("POST /v1/completions HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nAuthorization: Bearer ",
                         options_.key, "\r\nContent-Length: ")),
      next_prompt_(options_.first_prompt) {}

void Asker::Ask(std::function<void(const Sample&)> done) {
  const MonotonicTime begun = std::chrono::steady_clock::now();
  const std::shared_ptr<Connection> connection = TakeConnection();
  connection->Ask(NextRequest(), begun + options_.patience,
                  [this, begun, connection = connection.get(), done = std::move(done)](const AnswerReader& answer) {
                    if (connection->idle()) idle_.push_back(connection->shared_from_this());
                    done(ToSample(begun, answer));
                  });
}

std::string Asker::NextRequest() {
  const int64_t prompt = next_prompt_++;
  const std::string body =
      absl::StrCat(R"({"model":"abacus","prompt":"What is )", prompt % 1000, " + ", prompt / 1000, R"(, and why?","max_tokens":)",
                   options_.max_tokens, R"(,"temperature":0,"ignore_eos":true,"stream":true})");
  return absl::StrCat(head_, body.size(), "\r\n\r\n", body);
}

std::shared_ptr<Connection> Asker::TakeConnection() {
  while (!idle_.empty()) {
    const std::shared_ptr<Connection> last = std::move(idle_.back());
    idle_.pop_back();
    if (last->idle()) return last;
  }
  return std::make_shared<Connection>(io_, options_.gateway);
}

}  // namespace baleen
