#include "transport/grpc/frame_codec.h"

#include <grpcpp/support/slice.h>
#include <xxhash.h>

#include <algorithm>
#include <cstdint>
#include <cstring>
#include <optional>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "base/status_macros.h"
#include "transport/limits.h"

namespace baleen {

namespace {

// (field number << 3) | wire type 2, of baleen.v1.Frame.
constexpr uint64_t kHeaderTag = (1 << 3) | 2;
constexpr uint64_t kPayloadTag = (2 << 3) | 2;
constexpr uint64_t kChecksumTag = (3 << 3) | 1;
constexpr uint64_t kTagMax = UINT32_MAX;

void AppendVarint(uint64_t value, std::string* out) {
  for (; value >= 0x80; value >>= 7) out->push_back(static_cast<char>(value | 0x80));
  out->push_back(static_cast<char>(value));
}

absl::Status CheckSize(absl::string_view what, uint64_t size, uint64_t limit) {
  if (size <= limit) return absl::OkStatus();
  return absl::InvalidArgumentError(absl::StrCat("frame: ", what, " of ", size, " bytes is over the limit of ", limit));
}

uint64_t ChecksumOf(const Message& message) {
  return XXH3_64bits_withSeed(message.payload.data, message.payload.size, XXH3_64bits(message.header.data(), message.header.size()));
}

absl::Status Malformed(absl::string_view what) { return absl::InvalidArgumentError(absl::StrCat("frame: malformed ", what)); }

// Walks the bytes of a buffer's slices.
class SliceReader {
 public:
  explicit SliceReader(std::vector<grpc::Slice> slices) : slices_(std::move(slices)) {
    for (const grpc::Slice& slice : slices_) remaining_ += slice.size();
    SkipEmpty();
  }

  size_t remaining() const { return remaining_; }

  bool ReadVarint(uint64_t* value) {
    *value = 0;
    for (int shift = 0; shift < 70; shift += 7) {
      if (remaining_ == 0) return false;
      const uint8_t byte = slices_[index_].begin()[offset_];
      Advance(1);
      if (shift == 63 && byte > 1) return false;
      *value |= static_cast<uint64_t>(byte & 0x7f) << shift;
      if ((byte & 0x80) == 0) return true;
    }
    return false;
  }

  // The caller has checked `size` against remaining() in these three.
  void Skip(size_t size) {
    while (size > 0) {
      const size_t step = std::min(size, Here());
      Advance(step);
      size -= step;
    }
  }

  void Copy(size_t size, void* to) {
    auto* out = static_cast<std::byte*>(to);
    while (size > 0) {
      const size_t step = std::min(size, Here());
      std::memcpy(out, slices_[index_].begin() + offset_, step);
      Advance(step);
      out += step;
      size -= step;
    }
  }

  Payload Take(size_t size) {
    if (size == 0) return {};
    if (size <= Here()) {
      // The slice may hold its bytes inside itself, so the pointer is taken from the copy that owns them.
      const auto slice = std::make_shared<const grpc::Slice>(slices_[index_]);
      const auto* data = reinterpret_cast<const std::byte*>(slice->begin() + offset_);
      Advance(size);
      return {slice, data, size};
    }
    const std::shared_ptr<std::byte[]> bytes = std::make_shared_for_overwrite<std::byte[]>(size);
    Copy(size, bytes.get());
    return {bytes, bytes.get(), size};
  }

 private:
  size_t Here() const { return slices_[index_].size() - offset_; }

  void Advance(size_t size) {
    offset_ += size;
    remaining_ -= size;
    SkipEmpty();
  }

  void SkipEmpty() {
    while (index_ < slices_.size() && offset_ == slices_[index_].size()) {
      ++index_;
      offset_ = 0;
    }
  }

  std::vector<grpc::Slice> slices_;
  size_t index_ = 0;
  size_t offset_ = 0;
  size_t remaining_ = 0;
};

absl::Status SkipUnknown(uint64_t tag, SliceReader* reader) {
  uint64_t size = 0;
  switch (tag & 7) {
    case 0:
      return reader->ReadVarint(&size) ? absl::OkStatus() : Malformed("unknown field");
    case 1:
      size = 8;
      break;
    case 2:
      if (!reader->ReadVarint(&size)) return Malformed("unknown field");
      break;
    case 5:
      size = 4;
      break;
    default:
      return Malformed(absl::StrCat("tag ", tag));
  }
  if (size > reader->remaining()) return Malformed("unknown field");
  reader->Skip(size);
  return absl::OkStatus();
}

absl::StatusOr<size_t> ReadSize(absl::string_view what, uint64_t limit, bool seen, SliceReader* reader) {
  uint64_t size = 0;
  if (seen || !reader->ReadVarint(&size)) return Malformed(what);
  RETURN_IF_ERROR(CheckSize(what, size, limit));
  if (size > reader->remaining()) return Malformed(absl::StrCat(what, ": ", size, " bytes announced, ", reader->remaining(), " there"));
  return static_cast<size_t>(size);
}

}  // namespace

absl::StatusOr<grpc::ByteBuffer> EncodeFrame(Message message) {
  RETURN_IF_ERROR(CheckSize("header", message.header.size(), kMaxHeaderBytes));
  RETURN_IF_ERROR(CheckSize("payload", message.payload.size, kMaxPayloadBytes));
  // Fixed fields are little-endian, as the machine is.
  const uint64_t checksum = ChecksumOf(message);
  std::string prefix;
  prefix.reserve(message.header.size() + 32);
  AppendVarint(kChecksumTag, &prefix);
  prefix.append(reinterpret_cast<const char*>(&checksum), sizeof(checksum));
  AppendVarint(kHeaderTag, &prefix);
  AppendVarint(message.header.size(), &prefix);
  prefix += message.header;
  if (message.payload.size == 0) {
    const grpc::Slice slice(prefix);
    return grpc::ByteBuffer(&slice, 1);
  }
  AppendVarint(kPayloadTag, &prefix);
  AppendVarint(message.payload.size, &prefix);
  auto* owner = new std::shared_ptr<const void>(std::move(message.payload.owner));
  // Slices of foreign memory are never written to; gRPC's constructor just lacks a const.
  auto* data = const_cast<std::byte*>(message.payload.data);
  const grpc::Slice slices[2] = {
      grpc::Slice(prefix),
      grpc::Slice(
          data, message.payload.size, [](void* held) { delete static_cast<std::shared_ptr<const void>*>(held); }, owner)};
  return grpc::ByteBuffer(slices, 2);
}

absl::StatusOr<Message> DecodeFrame(const grpc::ByteBuffer& buffer) {
  std::vector<grpc::Slice> slices;
  if (!buffer.Dump(&slices).ok()) return Malformed("buffer");
  SliceReader reader(std::move(slices));
  Message message;
  bool header_seen = false;
  bool payload_seen = false;
  std::optional<uint64_t> checksum;
  while (reader.remaining() > 0) {
    uint64_t tag = 0;
    if (!reader.ReadVarint(&tag) || tag >> 3 == 0 || tag > kTagMax) return Malformed("tag");
    if (tag == kHeaderTag) {
      ASSIGN_OR_RETURN(const size_t size, ReadSize("header", kMaxHeaderBytes, header_seen, &reader));
      message.header.resize(size);
      reader.Copy(size, message.header.data());
      header_seen = true;
    } else if (tag == kPayloadTag) {
      ASSIGN_OR_RETURN(const size_t size, ReadSize("payload", kMaxPayloadBytes, payload_seen, &reader));
      message.payload = reader.Take(size);
      payload_seen = true;
    } else if (tag == kChecksumTag && !checksum.has_value() && reader.remaining() >= sizeof(*checksum)) {
      reader.Copy(sizeof(*checksum), &checksum.emplace());
    } else if (tag >> 3 <= 3) {
      return Malformed(absl::StrCat("tag ", tag));
    } else {
      RETURN_IF_ERROR(SkipUnknown(tag, &reader));
    }
  }
  if (checksum.has_value() && *checksum != ChecksumOf(message)) return absl::DataLossError("frame: the checksum does not match");
  return message;
}

}  // namespace baleen
