// The name of a full KV block's content: what makes two sequences' blocks the same.
#ifndef BALEEN_SERVICES_KV_CACHE_BLOCK_HASH_H_
#define BALEEN_SERVICES_KV_CACHE_BLOCK_HASH_H_

#include <array>
#include <cstddef>
#include <cstdint>
#include <cstring>

#include "absl/strings/string_view.h"
#include "absl/types/span.h"

namespace baleen {

// SHA-256, so that nobody can make a request whose blocks answer to another tenant's name.
using BlockHash = std::array<uint8_t, 32>;

struct BlockHashHasher {
  size_t operator()(const BlockHash& hash) const {
    size_t value = 0;
    std::memcpy(&value, hash.data(), sizeof(value));
    return value;
  }
};

// The parent of a sequence's first block: sequences share blocks only under equal salts and equal numerics.
BlockHash RootBlockHash(absl::string_view numerics_id, absl::string_view salt);

// A block's name from its parent's and its own 64 tokens, so that it names the whole prefix up to its end.
BlockHash ChildBlockHash(const BlockHash& parent, absl::Span<const int32_t> tokens);

}  // namespace baleen

#endif  // BALEEN_SERVICES_KV_CACHE_BLOCK_HASH_H_
