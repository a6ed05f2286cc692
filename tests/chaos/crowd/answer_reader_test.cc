#include "tests/chaos/crowd/answer_reader.h"

#include <gtest/gtest.h>

#include <boost/asio/io_context.hpp>
#include <boost/beast/_experimental/test/stream.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/http/error.hpp>
#include <boost/beast/http/read.hpp>
#include <string>

#include "absl/strings/str_format.h"

namespace baleen {
namespace {

namespace http = boost::beast::http;
using boost::beast::error_code;

const std::string kStreamHead = "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n";
const std::string kEvent = "id: 0\ndata: {\"text\":\"a\"}\n\n";
const std::string kLastEvent = "id: 1\ndata: [DONE]\n\n";
const std::string kLastChunk = "0\r\n\r\n";
const std::string kRefusal = "HTTP/1.1 503 Service Unavailable\r\nretry-after: 3\r\nContent-Length: 9\r\n\r\n{\"e\":\"x\"}";

std::string Chunk(const std::string& piece) { return absl::StrFormat("%x\r\n%s\r\n", piece.size(), piece); }

std::string Stream(const std::string& events) { return kStreamHead + Chunk(events) + kLastChunk; }

// Reads what a peer sent before it left, so many bytes at a time.
error_code ReadPieces(const std::string& sent, size_t piece_bytes, AnswerReader* answer) {
  boost::asio::io_context io;
  boost::beast::test::stream stream(io, sent);
  stream.read_size(piece_bytes);
  stream.close_remote();
  boost::beast::flat_buffer buffer;
  error_code error;
  http::read(stream, buffer, *answer, error);
  return error;
}

error_code Read(const std::string& sent, AnswerReader* answer) { return ReadPieces(sent, sent.size(), answer); }

// Its chunks end within events.
std::string CutStream() {
  const std::string events = kEvent + kLastEvent;
  return kStreamHead + Chunk(events.substr(0, 9)) + Chunk(events.substr(9, 30)) + Chunk(events.substr(39)) + kLastChunk;
}

TEST(AnswerReaderTest, AStreamIsCompleteHoweverItIsCut) {
  const std::string sent = CutStream();
  for (size_t piece_bytes = 1; piece_bytes <= sent.size(); ++piece_bytes) {
    AnswerReader answer;
    ASSERT_FALSE(ReadPieces(sent, piece_bytes, &answer)) << piece_bytes;
    EXPECT_EQ(answer.status(), 200) << piece_bytes;
    EXPECT_TRUE(answer.first_event().has_value()) << piece_bytes;
    EXPECT_TRUE(answer.complete()) << piece_bytes;
    EXPECT_TRUE(answer.keep_alive()) << piece_bytes;
    EXPECT_FALSE(answer.retry_after_s().has_value()) << piece_bytes;
  }
}

TEST(AnswerReaderTest, AStreamIsIncompleteAsLongAsAByteIsMissing) {
  const std::string sent = CutStream();
  for (size_t bytes = 0; bytes < sent.size(); ++bytes) {
    AnswerReader answer;
    EXPECT_TRUE(Read(sent.substr(0, bytes), &answer)) << bytes;
    EXPECT_FALSE(answer.complete()) << bytes;
  }
}

TEST(AnswerReaderTest, AStreamIsIncompleteUnlessItsLastEventIsTheLast) {
  for (const std::string& events : {kEvent, kLastEvent + kEvent}) {
    AnswerReader answer;
    EXPECT_FALSE(Read(Stream(events), &answer)) << events;
    EXPECT_TRUE(answer.first_event().has_value()) << events;
    EXPECT_FALSE(answer.complete()) << events;
  }
}

TEST(AnswerReaderTest, CommentsAreNoEvents) {
  AnswerReader answer;
  EXPECT_FALSE(Read(Stream(": keep-alive\n\n"), &answer));
  EXPECT_FALSE(answer.first_event().has_value());
}

TEST(AnswerReaderTest, ARefusalSaysWhenToComeBackHoweverItIsCut) {
  for (size_t piece_bytes = 1; piece_bytes <= kRefusal.size(); ++piece_bytes) {
    AnswerReader answer;
    ASSERT_FALSE(ReadPieces(kRefusal, piece_bytes, &answer)) << piece_bytes;
    EXPECT_EQ(answer.status(), 503) << piece_bytes;
    EXPECT_EQ(answer.retry_after_s(), 3) << piece_bytes;
    EXPECT_TRUE(answer.keep_alive()) << piece_bytes;
    EXPECT_FALSE(answer.complete()) << piece_bytes;
  }
}

TEST(AnswerReaderTest, AnAnswerMayEndItsConnection) {
  AnswerReader answer;
  EXPECT_FALSE(Read("HTTP/1.1 429 Too Many Requests\r\nConnection: close\r\nContent-Length: 0\r\n\r\n", &answer));
  EXPECT_EQ(answer.status(), 429);
  EXPECT_FALSE(answer.keep_alive());
  EXPECT_FALSE(answer.retry_after_s().has_value());
}

TEST(AnswerReaderTest, ADateToComeBackAtIsNoNumber) {
  AnswerReader answer;
  EXPECT_FALSE(Read("HTTP/1.1 503 No\r\nRetry-After: Fri, 27 Nov 2026 09:00:00 GMT\r\nContent-Length: 0\r\n\r\n", &answer));
  EXPECT_FALSE(answer.retry_after_s().has_value());
}

TEST(AnswerReaderTest, WhatIsNoHttpIsRefused) {
  AnswerReader answer;
  EXPECT_EQ(Read("220 mail.example.org ESMTP\r\n\r\n", &answer), http::error::bad_version);
  EXPECT_EQ(answer.status(), 0);
}

}  // namespace
}  // namespace baleen
