// Frames of the gRPC transport: how a buffer is cut into slices changes nothing, and what is decoded encodes again.

#include <grpcpp/support/byte_buffer.h>
#include <grpcpp/support/slice.h>

#include <cstdint>
#include <string>
#include <vector>

#include "proto/baleen/v1/common.pb.h"
#include "tests/fuzz/fuzz_input.h"
#include "transport/grpc/frame_codec.h"
#include "transport/limits.h"

namespace baleen {
namespace {

grpc::ByteBuffer MakeBuffer(const std::string& bytes, const std::string& cuts) {
  std::vector<grpc::Slice> slices;
  for (const absl::string_view piece : CutText(bytes, cuts)) slices.emplace_back(piece.data(), piece.size());
  return grpc::ByteBuffer(slices.data(), slices.size());
}

std::string PayloadOf(const Message& message) {
  return std::string(reinterpret_cast<const char*>(message.payload.data), message.payload.size);
}

void CheckMessage(const Message& message, const std::string& bytes) {
  Require(message.header.size() <= kMaxHeaderBytes && message.payload.size <= kMaxPayloadBytes, "sizes keep their limits");
  v1::Frame frame;
  // Protobuf refuses numbers that are written longer than they need be.
  const bool strict = frame.ParseFromString(bytes);
  Require(!strict || (frame.header() == message.header && frame.payload() == PayloadOf(message)), "protobuf reads the same");
  const absl::StatusOr<grpc::ByteBuffer> encoded = EncodeFrame(message);
  Require(encoded.ok(), "what was decoded encodes");
  const absl::StatusOr<Message> again = DecodeFrame(*encoded);
  Require(again.ok() && again->header == message.header && PayloadOf(*again) == PayloadOf(message), "and decodes to the same");
}

}  // namespace
}  // namespace baleen

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace baleen;
  FuzzInput input(data, size);
  const std::string cuts = input.Bytes(input.Byte() % 16);
  const std::string bytes = input.Rest();
  const absl::StatusOr<Message> whole = DecodeFrame(MakeBuffer(bytes, ""));
  const absl::StatusOr<Message> cut = DecodeFrame(MakeBuffer(bytes, cuts));
  Require(whole.status() == cut.status(), "slices do not change the outcome");
  if (!whole.ok()) return 0;
  Require(whole->header == cut->header && PayloadOf(*whole) == PayloadOf(*cut), "slices do not change the message");
  CheckMessage(*whole, bytes);
  return 0;
}
