#include "services/kv/transfer/block_copy_receiver.h"

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/cleanup/cleanup.h"
#include "absl/strings/str_cat.h"
#include "base/status_macros.h"
#include "proto/baleen/v1/kv.pb.h"
#include "services/common/dtype_wire.h"
#include "services/kv/transfer/block_copy.h"
#include "services/kv/transfer/crc32c.h"

namespace baleen {
namespace {

constexpr int64_t kFreeShare = 8;

absl::Status CheckContent(const KvShape& shape, const v1::KvBlockHeader& header, const Payload& content) {
  if (header.dtype() != DTypeToWire(shape.dtype)) {
    return absl::InvalidArgumentError("the block is of another dtype than this worker's");
  }
  const size_t bytes = static_cast<size_t>(shape.BlockBytes());
  if (content.size != bytes) {
    return absl::InvalidArgumentError(absl::StrCat("the block has ", content.size, " bytes, this worker's have ", bytes));
  }
  if (Crc32c(content.data, content.size) != header.checksum()) return absl::DataLossError("the block's checksum does not match");
  return absl::OkStatus();
}

// How many of the named blocks are here once this one is taken.
absl::StatusOr<size_t> Take(BlockPool* cache, const v1::KvBlockHeader& header, const Payload& content) {
  if (cache == nullptr) return absl::FailedPreconditionError("this worker keeps no prefixes");
  BlockPool& pool = *cache;
  ASSIGN_OR_RETURN(const std::vector<BlockHash> names, UnpackNames(header.names()));
  const bool room = pool.free_blocks() * kFreeShare >= pool.total_blocks();
  std::vector<BlockId> held = pool.AcquireCached(names);
  const absl::Cleanup release = [&] { pool.ReleaseAll(held); };
  if (content.size == 0 || held.size() + 1 != names.size()) return held.size();
  RETURN_IF_ERROR(CheckContent(pool.shape(), header, content));
  if (!room) return absl::ResourceExhaustedError("this worker has no room for copies");
  ASSIGN_OR_RETURN(const std::vector<BlockId> block, pool.Allocate(1));
  held.push_back(block.front());
  WriteBlock(pool, block.front(), content.data);
  pool.Publish(block.front(), names.back());
  return held.size();
}

std::string AckFor(const absl::StatusOr<size_t>& held) {
  v1::KvBlockAckHeader ack;
  if (held.ok()) {
    ack.set_held(static_cast<uint32_t>(*held));
  } else {
    ack.set_error(absl::StrCat(absl::StatusCodeToString(held.status().code()), ": ", held.status().message()));
    ack.set_takes_none(IsFinalRefusal(held.status()));
  }
  return ack.SerializeAsString();
}

}  // namespace

AcceptFunction AcceptKvCopies(BlockPool* pool) {
  return [pool](std::shared_ptr<Connection> connection) -> StreamHandlers {
    auto on_message = [pool, connection](Message message) {
      v1::KvBlockHeader header;
      if (!header.ParseFromString(message.header)) {
        connection->Close();
        return;
      }
      // Copies count their answers: one that is lost must not get lost alone.
      if (!connection->Send({.header = AckFor(Take(pool, header, message.payload)), .payload = {}}).ok()) connection->Close();
    };
    return {.on_message = std::move(on_message), .on_closed = [](absl::Status) {}};
  };
}

}  // namespace baleen
