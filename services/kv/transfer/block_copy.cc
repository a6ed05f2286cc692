#include "services/kv/transfer/block_copy.h"

#include <cstring>
#include <memory>

#include "absl/strings/str_cat.h"

namespace baleen {

std::string PackNames(absl::Span<const BlockHash> names) {
  return std::string(reinterpret_cast<const char*>(names.data()), names.size() * sizeof(BlockHash));
}

absl::StatusOr<std::vector<BlockHash>> UnpackNames(absl::string_view packed) {
  if (packed.empty() || packed.size() % sizeof(BlockHash) != 0) {
    return absl::InvalidArgumentError(absl::StrCat("names of blocks have ", packed.size(), " bytes, not ", sizeof(BlockHash), " each"));
  }
  std::vector<BlockHash> names(packed.size() / sizeof(BlockHash));
  std::memcpy(names.data(), packed.data(), packed.size());
  return names;
}

bool IsFinalRefusal(const absl::Status& status) {
  return absl::IsUnimplemented(status) || absl::IsInvalidArgument(status) || absl::IsFailedPrecondition(status) ||
         absl::IsPermissionDenied(status);
}

Payload ReadBlock(BlockPool& pool, BlockId block) {
  const size_t size = static_cast<size_t>(pool.shape().BlockBytes());
  const std::shared_ptr<std::byte[]> content(new std::byte[size]);  // Not zeroed: all of it is written.
  const PageRun run = {pool.Page(block, 0), content.get(), size};
  pool.memory().Read({&run, 1});
  return {.owner = content, .data = content.get(), .size = size};
}

void WriteBlock(BlockPool& pool, BlockId block, const std::byte* content) {
  // Write only reads there.
  const PageRun run = {pool.Page(block, 0), const_cast<std::byte*>(content), static_cast<size_t>(pool.shape().BlockBytes())};
  pool.memory().Write({&run, 1});
}

}  // namespace baleen
