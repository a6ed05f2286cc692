#include "transport/grpc/frame_codec.h"

#include <grpcpp/support/slice.h>
#include <gtest/gtest.h>

#include <cstring>
#include <random>
#include <string>
#include <vector>

#include "proto/baleen/v1/common.pb.h"
#include "transport/limits.h"

namespace baleen {
namespace {

std::string Flatten(const grpc::ByteBuffer& buffer) {
  std::vector<grpc::Slice> slices;
  EXPECT_TRUE(buffer.Dump(&slices).ok());
  std::string out;
  for (const grpc::Slice& slice : slices) out.append(reinterpret_cast<const char*>(slice.begin()), slice.size());
  return out;
}

grpc::ByteBuffer Buffer(const std::string& bytes, size_t piece = SIZE_MAX) {
  std::vector<grpc::Slice> slices;
  for (size_t at = 0; at < bytes.size(); at += std::min(piece, bytes.size() - at)) {
    slices.emplace_back(bytes.data() + at, std::min(piece, bytes.size() - at));
  }
  return grpc::ByteBuffer(slices.data(), slices.size());
}

std::string Text(const Payload& payload) { return std::string(reinterpret_cast<const char*>(payload.data), payload.size); }

v1::Frame MakeFrame(size_t header, size_t payload) {
  v1::Frame frame;
  for (size_t i = 0; i < header; ++i) frame.mutable_header()->push_back(static_cast<char>(i * 31));
  for (size_t i = 0; i < payload; ++i) frame.mutable_payload()->push_back(static_cast<char>(i * 17 + 3));
  return frame;
}

TEST(FrameCodecTest, EncodesWhatProtobufParses) {
  for (const size_t payload : {0, 1, 127, 128, 70000}) {
    const v1::Frame want = MakeFrame(200, payload);
    const absl::StatusOr<grpc::ByteBuffer> buffer =
        EncodeFrame({want.header(), Payload::Own(std::vector<char>(want.payload().begin(), want.payload().end()))});
    ASSERT_TRUE(buffer.ok());
    v1::Frame got;
    ASSERT_TRUE(got.ParseFromString(Flatten(*buffer)));
    EXPECT_EQ(got.header(), want.header());
    EXPECT_EQ(got.payload(), want.payload());
  }
}

TEST(FrameCodecTest, DecodesWhatProtobufWritesHoweverItIsSliced) {
  const v1::Frame want = MakeFrame(300, 1000);
  for (const size_t piece : {1, 2, 3, 7, 100, 301, 1 << 20}) {
    const absl::StatusOr<Message> got = DecodeFrame(Buffer(want.SerializeAsString(), piece));
    ASSERT_TRUE(got.ok()) << got.status();
    EXPECT_EQ(got->header, want.header());
    EXPECT_EQ(Text(got->payload), want.payload());
  }
  EXPECT_TRUE(DecodeFrame(Buffer("")).ok());
}

TEST(FrameCodecTest, AFlippedBitIsRefusedOrChangesNothing) {
  const v1::Frame want = MakeFrame(100, 500);
  const absl::StatusOr<grpc::ByteBuffer> buffer =
      EncodeFrame({want.header(), Payload::Own(std::vector<char>(want.payload().begin(), want.payload().end()))});
  ASSERT_TRUE(buffer.ok());
  const std::string sent = Flatten(*buffer);
  int refused = 0;
  for (size_t bit = 0; bit < 8 * sent.size(); ++bit) {
    std::string bytes = sent;
    bytes[bit / 8] = static_cast<char>(bytes[bit / 8] ^ (1 << (bit % 8)));
    const absl::StatusOr<Message> got = DecodeFrame(Buffer(bytes));
    if (!got.ok()) {
      ++refused;
      continue;
    }
    // One of the checksum's own tag.
    EXPECT_EQ(got->header, want.header()) << "bit " << bit;
    EXPECT_EQ(Text(got->payload), want.payload()) << "bit " << bit;
  }
  EXPECT_GE(refused, 8 * 600);
}

TEST(FrameCodecTest, PayloadIsNotCopied) {
  const auto bytes = std::make_shared<const std::vector<std::byte>>(100000);
  absl::StatusOr<grpc::ByteBuffer> buffer = EncodeFrame({"header", {bytes, bytes->data(), bytes->size()}});
  ASSERT_TRUE(buffer.ok());
  EXPECT_EQ(bytes.use_count(), 2);
  absl::StatusOr<Message> message = DecodeFrame(*buffer);
  ASSERT_TRUE(message.ok());
  EXPECT_EQ(message->payload.data, bytes->data());
  buffer->Clear();
  EXPECT_EQ(bytes.use_count(), 2) << "the message keeps the slice";
  message->payload = {};
  EXPECT_EQ(bytes.use_count(), 1);
}

TEST(FrameCodecTest, SkipsUnknownFields) {
  std::string bytes = MakeFrame(5, 6).SerializeAsString();
  bytes += std::string("\x20\x05", 2) + std::string("\x25wxyz", 5) + std::string("\x29lllllllL", 9) + std::string("\x32\x02zz", 4);
  const absl::StatusOr<Message> got = DecodeFrame(Buffer(bytes));
  ASSERT_TRUE(got.ok()) << got.status();
  EXPECT_EQ(got->payload.size, 6u);
}

TEST(FrameCodecTest, RefusesMalformedFrames) {
  const std::string cases[] = {
      "\x0a",  // No size.
      "\x0a\x05"
      "ab",  // Header shorter than announced.
      "\x12\x05"
      "ab",  // Payload shorter than announced.
      std::string("\x0a\x01"
                  "a"
                  "\x0a\x01"
                  "a"),  // Header twice.
      std::string("\x12\x01"
                  "a"
                  "\x12\x01"
                  "a"),                                // Payload twice.
      "\x08\x01",                                      // Header as a varint.
      "\x13",                                          // A group.
      "\x0f\x01",                                      // Wire type 7.
      std::string("\x02\x00", 2),                      // Field 0.
      "\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01",  // A varint over 64 bits.
      "\x12\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01",  // 2^64 - 1 bytes announced.
      "\x12\xff\xff\xff\x1f"
      "a",                                                          // 64 MiB - 1 announced, one there.
      std::string("\x2a\xff\xff\xff\xff\xff\xff\xff\xff\x7f", 10),  // An unknown field longer than the buffer.
  };
  for (const std::string& bytes : cases) {
    for (const size_t piece : {size_t{1}, SIZE_MAX}) {
      const absl::StatusOr<Message> got = DecodeFrame(Buffer(bytes, piece));
      EXPECT_EQ(got.status().code(), absl::StatusCode::kInvalidArgument) << testing::PrintToString(bytes);
    }
  }
}

TEST(FrameCodecTest, RefusesOversize) {
  EXPECT_EQ(EncodeFrame({std::string(kMaxHeaderBytes + 1, 'x'), {}}).status().code(), absl::StatusCode::kInvalidArgument);
  v1::Frame frame;
  frame.set_header(std::string(kMaxHeaderBytes + 1, 'x'));
  EXPECT_EQ(DecodeFrame(Buffer(frame.SerializeAsString())).status().code(), absl::StatusCode::kInvalidArgument);
  frame.clear_header();
  frame.set_payload(std::string(kMaxPayloadBytes + 1, 'x'));
  EXPECT_EQ(DecodeFrame(Buffer(frame.SerializeAsString())).status().code(), absl::StatusCode::kInvalidArgument);
  const absl::StatusOr<grpc::ByteBuffer> largest = EncodeFrame({std::string(kMaxHeaderBytes, 'x'), {}});
  ASSERT_TRUE(largest.ok());
  EXPECT_TRUE(DecodeFrame(*largest).ok());
}

TEST(FrameCodecTest, NeverReadsOutsideMutatedFrames) {
  std::mt19937 random(7);
  const std::string good = MakeFrame(40, 200).SerializeAsString();
  int refused = 0;
  for (int round = 0; round < 2000; ++round) {
    std::string bytes = good.substr(0, random() % (good.size() + 1));
    for (int flips = random() % 4; flips > 0 && !bytes.empty(); --flips) bytes[random() % bytes.size()] ^= 1 << (random() % 8);
    const absl::StatusOr<Message> got = DecodeFrame(Buffer(bytes, 1 + random() % 50));
    if (!got.ok()) {
      ++refused;
    } else {
      EXPECT_LE(got->header.size() + got->payload.size, bytes.size());
    }
  }
  EXPECT_GT(refused, 1000);
}

}  // namespace
}  // namespace baleen
