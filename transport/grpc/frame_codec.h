// Message <-> the wire format of baleen.v1.Frame, without copying the payload.
#ifndef BALEEN_TRANSPORT_GRPC_FRAME_CODEC_H_
#define BALEEN_TRANSPORT_GRPC_FRAME_CODEC_H_

#include <grpcpp/support/byte_buffer.h>

#include "absl/status/statusor.h"
#include "transport/transport.h"

namespace baleen {

// The buffer refers to the payload and keeps its owner. INVALID_ARGUMENT when header or payload is over its limit (transport/limits.h).
absl::StatusOr<grpc::ByteBuffer> EncodeFrame(Message message);

// The payload refers to the buffer's slice where it lies in one, and is copied once where it spans several; it may be unaligned.
// Unknown fields are skipped. INVALID_ARGUMENT names what is malformed or too large; nothing is allocated before sizes are checked.
// DATA_LOSS: a bit was flipped on the way.
absl::StatusOr<Message> DecodeFrame(const grpc::ByteBuffer& buffer);

}  // namespace baleen

#endif  // BALEEN_TRANSPORT_GRPC_FRAME_CODEC_H_
