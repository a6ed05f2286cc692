// What both ends of KvTransfer.Copy share.
#ifndef BALEEN_SERVICES_KV_TRANSFER_BLOCK_COPY_H_
#define BALEEN_SERVICES_KV_TRANSFER_BLOCK_COPY_H_

#include <cstddef>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/types/span.h"
#include "services/kv/cache/block_pool.h"
#include "transport/transport.h"

namespace baleen {

inline constexpr char kKvCopyMethod[] = "/baleen.v1.KvTransfer/Copy";

std::string PackNames(absl::Span<const BlockHash> names);
// INVALID_ARGUMENT unless these are whole names, at least one.
absl::StatusOr<std::vector<BlockHash>> UnpackNames(absl::string_view packed);

// By its code: the other end will not take other blocks either (it knows no copies, has another shape, keeps no prefixes), not now alone.
bool IsFinalRefusal(const absl::Status& status);

// A referenced block's content, and back. Any thread.
Payload ReadBlock(BlockPool& pool, BlockId block);
void WriteBlock(BlockPool& pool, BlockId block, const std::byte* content);

}  // namespace baleen

#endif  // BALEEN_SERVICES_KV_TRANSFER_BLOCK_COPY_H_
