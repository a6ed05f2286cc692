#include "services/kv/transfer/page_rows.h"

#include <algorithm>
#include <cstring>

namespace baleen {
namespace {

constexpr int64_t kBlockTokens = 64;

// Calls run(bytes in the page, offset in the run of rows, size) for each page that the rows touch.
template <typename Run>
void ForEachPage(BlockPool& pool, absl::Span<const BlockId> blocks, int layer, int64_t first, int64_t count, const Run& run) {
  const int64_t row_bytes = pool.shape().RowBytes();
  for (int64_t done = 0; done < count;) {
    const int64_t position = first + done;
    const int64_t in_page = position % kBlockTokens;
    const int64_t rows = std::min(count - done, kBlockTokens - in_page);
    std::byte* page = pool.Page(blocks[static_cast<size_t>(position / kBlockTokens)], layer);
    run(page + in_page * row_bytes, done * row_bytes, static_cast<size_t>(rows * row_bytes));
    done += rows;
  }
}

}  // namespace

std::vector<std::byte> GatherRows(BlockPool& pool, absl::Span<const BlockId> blocks, int layer, int64_t first, int64_t count) {
  std::vector<std::byte> rows(static_cast<size_t>(count * pool.shape().RowBytes()));
  ForEachPage(pool, blocks, layer, first, count,
              [&](const std::byte* page, int64_t offset, size_t size) { std::memcpy(rows.data() + offset, page, size); });
  return rows;
}

void ScatterRows(BlockPool& pool, absl::Span<const BlockId> blocks, int layer, int64_t first, int64_t count, const std::byte* rows) {
  ForEachPage(pool, blocks, layer, first, count,
              [&](std::byte* page, int64_t offset, size_t size) { std::memcpy(page, rows + offset, size); });
}

}  // namespace baleen
