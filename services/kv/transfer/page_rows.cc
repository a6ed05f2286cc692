#include "services/kv/transfer/page_rows.h"

#include <algorithm>
#include <memory>
#include <vector>

#include "kernels/mla_attention.h"

namespace baleen {
namespace {

// What of the pages the rows touch, `host` being where they begin on the host.
std::vector<PageRun> RunsOf(BlockPool& pool, absl::Span<const BlockId> blocks, int layer, int64_t first, int64_t count, std::byte* host) {
  const int64_t row_bytes = pool.shape().RowBytes();
  std::vector<PageRun> runs;
  for (int64_t done = 0; done < count;) {
    const int64_t position = first + done;
    const int64_t in_page = position % kKvBlockTokens;
    const int64_t rows = std::min(count - done, kKvBlockTokens - in_page);
    std::byte* page = pool.Page(blocks[static_cast<size_t>(position / kKvBlockTokens)], layer);
    runs.push_back({page + in_page * row_bytes, host + done * row_bytes, static_cast<size_t>(rows * row_bytes)});
    done += rows;
  }
  return runs;
}

}  // namespace

Payload GatherRows(BlockPool& pool, absl::Span<const BlockId> blocks, int layer, int64_t first, int64_t count) {
  const size_t size = static_cast<size_t>(count * pool.shape().RowBytes());
  const std::shared_ptr<std::byte[]> rows(new std::byte[size]);  // Not zeroed: all of it is written.
  pool.memory().Read(RunsOf(pool, blocks, layer, first, count, rows.get()));
  return {.owner = rows, .data = rows.get(), .size = size};
}

void ScatterRows(BlockPool& pool, absl::Span<const BlockId> blocks, int layer, int64_t first, int64_t count, const std::byte* rows) {
  // Write only reads there.
  pool.memory().Write(RunsOf(pool, blocks, layer, first, count, const_cast<std::byte*>(rows)));
}

}  // namespace baleen
