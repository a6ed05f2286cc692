// Fragments of one stream, back into messages.
#ifndef BALEEN_TRANSPORT_UCX_ASSEMBLER_H_
#define BALEEN_TRANSPORT_UCX_ASSEMBLER_H_

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>

#include "absl/status/statusor.h"
#include "absl/types/span.h"
#include "transport/transport.h"
#include "transport/ucx/fragment.h"

namespace baleen {

// Messages and fragments come in order; any other order is an error of the peer or of the path. Not thread-safe.
class Assembler {
 public:
  // Copies `run` out. The message that it completes, or nothing yet. INVALID_ARGUMENT names what is wrong with the fragment, before
  // anything is allocated for it; no other may follow then.
  absl::StatusOr<std::optional<Message>> Add(const FragmentHeader& header, absl::Span<const std::byte> run);

 private:
  absl::Status Check(const FragmentHeader& header, size_t run_bytes) const;
  void Begin(const FragmentHeader& header);
  void Copy(absl::Span<const std::byte> run);

  uint64_t sequence_ = 0;  // Of the message that is being put together.
  bool begun_ = false;
  size_t received_ = 0;
  Message message_;
  std::shared_ptr<std::byte[]> payload_;
};

}  // namespace baleen

#endif  // BALEEN_TRANSPORT_UCX_ASSEMBLER_H_
