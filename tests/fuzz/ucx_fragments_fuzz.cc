// Fragments of the UCX transport: what is put together has the sizes that were announced, in order, and nothing else.

#include <cstdint>
#include <string>

#include "tests/fuzz/fuzz_input.h"
#include "transport/limits.h"
#include "transport/ucx/assembler.h"
#include "transport/ucx/fragment.h"

namespace baleen {
namespace {

absl::Span<const std::byte> Span(const std::string& bytes) { return {reinterpret_cast<const std::byte*>(bytes.data()), bytes.size()}; }

void CheckMessage(const Message& message, const FragmentHeader& last, const std::string& received) {
  Require(message.header.size() == last.header_bytes && message.payload.size == last.payload_bytes, "sizes are those announced");
  Require(message.header.size() <= kMaxHeaderBytes && message.payload.size <= kMaxPayloadBytes, "sizes keep their limits");
  const std::string payload(reinterpret_cast<const char*>(message.payload.data), message.payload.size);
  Require(message.header + payload == received, "the bytes are those received");
}

}  // namespace
}  // namespace baleen

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace baleen;
  FuzzInput input(data, size);
  Assembler assembler;
  std::string received;
  while (!input.empty()) {
    const std::string wire = input.Bytes(kFragmentHeaderBytes);
    const std::optional<FragmentHeader> header = DecodeFragmentHeader(Span(wire));
    if (!header) return 0;
    const WireFragmentHeader encoded = EncodeFragmentHeader(*header);
    Require(Span(wire) == absl::MakeConstSpan(encoded), "a header encodes to what it was decoded from");
    const std::string run = input.Bytes(input.Byte());
    const absl::StatusOr<std::optional<Message>> message = assembler.Add(*header, Span(run));
    if (!message.ok()) return 0;  // No other may follow.
    received += run;
    if (!message->has_value()) continue;
    CheckMessage(**message, *header, received);
    received.clear();
  }
  return 0;
}
