// Rows of one layer across the blocks of a sequence, to and from one run of bytes.
#ifndef BALEEN_SERVICES_KV_TRANSFER_PAGE_ROWS_H_
#define BALEEN_SERVICES_KV_TRANSFER_PAGE_ROWS_H_

#include <cstdint>

#include "absl/types/span.h"
#include "services/kv/cache/block_pool.h"
#include "transport/transport.h"

namespace baleen {

// Positions [first, first + count) of a sequence that lies in `blocks`, which cover them. Bytes are row-major [count, width].
Payload GatherRows(BlockPool& pool, absl::Span<const BlockId> blocks, int layer, int64_t first, int64_t count);
void ScatterRows(BlockPool& pool, absl::Span<const BlockId> blocks, int layer, int64_t first, int64_t count, const std::byte* rows);

}  // namespace baleen

#endif  // BALEEN_SERVICES_KV_TRANSFER_PAGE_ROWS_H_
