#include "transport/ucx/fragment.h"

#include <sys/random.h>

#include <bit>
#include <cstdlib>
#include <cstring>

namespace baleen {

namespace {

static_assert(std::endian::native == std::endian::little, "the wire is little-endian");

// Copies `value` to or from the wire and moves on.
template <typename T>
void Put(const T& value, std::byte*& at) {
  std::memcpy(at, &value, sizeof(value));
  at += sizeof(value);
}

template <typename T>
void Get(const std::byte*& at, T* value) {
  std::memcpy(value, at, sizeof(*value));
  at += sizeof(*value);
}

}  // namespace

WireFragmentHeader EncodeFragmentHeader(const FragmentHeader& header) {
  WireFragmentHeader wire;
  std::byte* at = wire.data();
  Put(header.session, at);
  Put(header.token, at);
  Put(header.kind, at);
  Put(header.offset, at);
  Put(header.sequence, at);
  Put(header.header_bytes, at);
  Put(header.payload_bytes, at);
  return wire;
}

std::optional<FragmentHeader> DecodeFragmentHeader(absl::Span<const std::byte> wire) {
  if (wire.size() != kFragmentHeaderBytes) return std::nullopt;
  FragmentHeader header;
  const std::byte* at = wire.data();
  Get(at, &header.session);
  Get(at, &header.token);
  Get(at, &header.kind);
  Get(at, &header.offset);
  Get(at, &header.sequence);
  Get(at, &header.header_bytes);
  Get(at, &header.payload_bytes);
  if (header.kind < FragmentKind::kHello || header.kind > FragmentKind::kAsk) return std::nullopt;
  return header;
}

SessionToken DrawToken() {
  SessionToken token;
  // Never short for 256 bytes or less; without randomness there is no token to go on with.
  if (getrandom(token.data(), token.size(), 0) != static_cast<ssize_t>(token.size())) std::abort();
  return token;
}

bool TokensMatch(const SessionToken& a, const SessionToken& b) {
  uint8_t difference = 0;
  for (size_t i = 0; i < a.size(); ++i) difference |= a[i] ^ b[i];
  return difference == 0;
}

}  // namespace baleen
