// What one active message carries: a fixed header, and a run of a message's bytes (its header, then its payload).
#ifndef BALEEN_TRANSPORT_UCX_FRAGMENT_H_
#define BALEEN_TRANSPORT_UCX_FRAGMENT_H_

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>

#include "absl/types/span.h"

namespace baleen {

// Messages are cut here and not by UCX, which would allocate what the first packet announces. Every fragment fits one packet of shared
// memory or TCP (the worker sets their segment sizes by it), and 14 KiB of hidden state in BF16, with its header, is one fragment.
constexpr size_t kMaxFragmentBytes = size_t{32} << 10;

// Names a session at the end that drew it. An active message without it is dropped.
using SessionToken = std::array<uint8_t, 16>;

enum class FragmentKind : uint32_t {
  kHello = 1,  // The path works. Sent by the end that connected, and answered.
  kData = 2,
  kAck = 3,  // `sequence` is the sum of the costs (see StreamWindow) of all messages consumed so far.
  kAsk = 4,  // The last one: to be acknowledged once all that came is consumed.
};

struct FragmentHeader {
  uint64_t session = 0;  // The receiver's number.
  SessionToken token{};  // The receiver's.
  FragmentKind kind = FragmentKind::kHello;
  uint32_t offset = 0;  // Of the run.
  uint64_t sequence = 0;
  uint32_t header_bytes = 0;  // Of the whole message.
  uint32_t payload_bytes = 0;
};

constexpr size_t kFragmentHeaderBytes = 48;
using WireFragmentHeader = std::array<std::byte, kFragmentHeaderBytes>;

WireFragmentHeader EncodeFragmentHeader(const FragmentHeader& header);
// Nothing when the size or the kind is wrong.
std::optional<FragmentHeader> DecodeFragmentHeader(absl::Span<const std::byte> wire);

// 128 bits from the kernel.
SessionToken DrawToken();
// In a time that does not depend on the bytes.
bool TokensMatch(const SessionToken& a, const SessionToken& b);

}  // namespace baleen

#endif  // BALEEN_TRANSPORT_UCX_FRAGMENT_H_
