#include "services/kv/transfer/page_rows.h"

#include <algorithm>

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

std::vector<std::byte> GatherRows(BlockPool& pool, absl::Span<const BlockId> blocks, int layer, int64_t first, int64_t count) {
  std::vector<std::byte> rows(static_cast<size_t>(count * pool.shape().RowBytes()));
  pool.memory().Read(RunsOf(pool, blocks, layer, first, count, rows.data()));
  return rows;
}

void ScatterRows(BlockPool& pool, absl::Span<const BlockId> blocks, int layer, int64_t first, int64_t count, const std::byte* rows) {
  // Write only reads there.
  pool.memory().Write(RunsOf(pool, blocks, layer, first, count, const_cast<std::byte*>(rows)));
}

}  // namespace baleen
