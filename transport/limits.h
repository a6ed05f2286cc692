// Bounds that every transport backend keeps.
#ifndef BALEEN_TRANSPORT_LIMITS_H_
#define BALEEN_TRANSPORT_LIMITS_H_

#include <cstddef>

namespace baleen {

constexpr size_t kMaxHeaderBytes = size_t{1} << 20;
constexpr size_t kMaxPayloadBytes = size_t{64} << 20;

// What one end of a stream queues before Send answers RESOURCE_EXHAUSTED.
struct StreamBounds {
  size_t messages = 1024;
  size_t bytes = size_t{256} << 20;
};

}  // namespace baleen

#endif  // BALEEN_TRANSPORT_LIMITS_H_
