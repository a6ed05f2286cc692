#include "transport/ucx/assembler.h"

#include <algorithm>
#include <cstring>
#include <utility>

#include "absl/strings/str_cat.h"
#include "base/status_macros.h"
#include "transport/limits.h"

namespace baleen {

namespace {

absl::Status Malformed(absl::string_view what, uint64_t value, absl::string_view expected, uint64_t other) {
  return absl::InvalidArgumentError(absl::StrCat("fragment: ", what, " ", value, ", ", expected, " ", other));
}

}  // namespace

absl::Status Assembler::Check(const FragmentHeader& header, size_t run_bytes) const {
  if (header.sequence != sequence_) return Malformed("message", header.sequence, "expected", sequence_);
  if (header.offset != received_) return Malformed("offset", header.offset, "expected", received_);
  if (header.header_bytes > kMaxHeaderBytes) return Malformed("header bytes", header.header_bytes, "limit", kMaxHeaderBytes);
  if (header.payload_bytes > kMaxPayloadBytes) return Malformed("payload bytes", header.payload_bytes, "limit", kMaxPayloadBytes);
  const size_t total = size_t{header.header_bytes} + header.payload_bytes;
  if (run_bytes > total - std::min(total, received_)) return Malformed("run of bytes", run_bytes, "left", total - received_);
  if (run_bytes == 0 && total > 0) return Malformed("run of bytes", 0, "left", total - received_);
  if (!begun_) return absl::OkStatus();
  if (header.header_bytes != message_.header.size()) {
    return Malformed("header bytes", header.header_bytes, "announced", message_.header.size());
  }
  if (header.payload_bytes != message_.payload.size) {
    return Malformed("payload bytes", header.payload_bytes, "announced", message_.payload.size);
  }
  return absl::OkStatus();
}

void Assembler::Begin(const FragmentHeader& header) {
  message_ = {};
  message_.header.resize(header.header_bytes);
  if (header.payload_bytes > 0) {
    payload_ = std::make_shared_for_overwrite<std::byte[]>(header.payload_bytes);
    message_.payload = {payload_, payload_.get(), header.payload_bytes};
  }
  begun_ = true;
}

void Assembler::Copy(absl::Span<const std::byte> run) {
  if (received_ < message_.header.size()) {
    const size_t size = std::min(run.size(), message_.header.size() - received_);
    std::memcpy(message_.header.data() + received_, run.data(), size);
    received_ += size;
    run.remove_prefix(size);
  }
  if (run.empty()) return;
  std::memcpy(payload_.get() + (received_ - message_.header.size()), run.data(), run.size());
  received_ += run.size();
}

absl::StatusOr<std::optional<Message>> Assembler::Add(const FragmentHeader& header, absl::Span<const std::byte> run) {
  RETURN_IF_ERROR(Check(header, run.size()));
  if (!begun_) Begin(header);
  Copy(run);
  if (received_ < message_.header.size() + message_.payload.size) return std::optional<Message>();
  ++sequence_;
  received_ = 0;
  begun_ = false;
  payload_.reset();
  return std::optional<Message>(std::move(message_));
}

}  // namespace baleen
