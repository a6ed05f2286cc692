// Reads the answer to a completion, and looks at no more of it than a Sample asks for.
#ifndef BALEEN_TESTS_CHAOS_CROWD_ANSWER_READER_H_
#define BALEEN_TESTS_CHAOS_CROWD_ANSWER_READER_H_

#include <boost/beast/http/basic_parser.hpp>
#include <chrono>
#include <optional>
#include <string>

namespace baleen {

// A parser for one answer, to be given to Beast's reading functions. Thread-compatible.
class AnswerReader final : public boost::beast::http::basic_parser<false> {
 public:
  // HTTP's; 0 before it is known.
  int status() const { return status_; }
  // Of the header; nothing where it is no whole number of seconds.
  std::optional<int> retry_after_s() const { return retry_after_s_; }
  // When the first event of a stream came.
  std::optional<std::chrono::steady_clock::time_point> first_event() const { return first_event_; }
  // Whether the stream of a success is here to its last event and its last chunk.
  bool complete() const;

 private:
  using Text = boost::beast::string_view;
  using Error = boost::beast::error_code;

  void on_request_impl(boost::beast::http::verb, Text, Text, int, Error&) override {}
  void on_response_impl(int code, Text reason, int version, Error& error) override;
  void on_field_impl(boost::beast::http::field name, Text spelling, Text value, Error& error) override;
  void on_header_impl(Error&) override {}
  void on_body_init_impl(const boost::optional<uint64_t>&, Error&) override {}
  size_t on_body_impl(Text body, Error& error) override;
  void on_chunk_header_impl(uint64_t, Text, Error&) override {}
  size_t on_chunk_body_impl(uint64_t left, Text body, Error& error) override;
  void on_finish_impl(Error&) override {}

  int status_ = 0;
  std::optional<int> retry_after_s_;
  std::optional<std::chrono::steady_clock::time_point> first_event_;
  std::string end_;  // Of the stream, as far as it is here: events may be cut anywhere.
};

}  // namespace baleen

#endif  // BALEEN_TESTS_CHAOS_CROWD_ANSWER_READER_H_
