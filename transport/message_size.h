// What a message takes.
#ifndef BALEEN_TRANSPORT_MESSAGE_SIZE_H_
#define BALEEN_TRANSPORT_MESSAGE_SIZE_H_

#include <cstddef>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "transport/limits.h"
#include "transport/transport.h"

namespace baleen {

// In bytes, as StreamBounds counts.
inline size_t SizeOf(const Message& message) { return message.header.size() + message.payload.size; }

// INVALID_ARGUMENT for a message that no backend carries.
inline absl::Status CheckSize(const Message& message) {
  if (message.header.size() <= kMaxHeaderBytes && message.payload.size <= kMaxPayloadBytes) return absl::OkStatus();
  return absl::InvalidArgumentError(
      absl::StrCat("message of ", message.header.size(), " + ", message.payload.size, " bytes is over the frame limit"));
}

}  // namespace baleen

#endif  // BALEEN_TRANSPORT_MESSAGE_SIZE_H_
