// What handing a prompt's rows over costs beside their bytes: short rows, in steps of 128 tokens, within one process.
#include <cstdlib>
#include <memory>
#include <vector>

#include "absl/synchronization/notification.h"
#include "benchmark/benchmark.h"
#include "services/kv/transfer/kv_receiver.h"
#include "services/kv/transfer/kv_sender.h"
#include "transport/inproc/inproc_network.h"

namespace baleen {
namespace {

constexpr KvShape kShape = {.layers = 4, .width = 2, .dtype = DType::kBf16};
constexpr int64_t kChunk = 128;
constexpr char kAddress[] = "decode";

void BM_Push(benchmark::State& state) {
  const int64_t tokens = state.range(0);
  const int64_t bytes = tokens * kShape.BytesPerToken();
  BlockPool source(kShape, bytes);
  BlockPool target(kShape, bytes);
  ReservationTable table(&target);
  InprocNetwork network;
  if (!network.Listen(kAddress, kKvPushMethod, AcceptKvPushes(&table, nullptr)).ok()) std::abort();
  const std::vector<BlockId> blocks = source.Allocate(source.total_blocks()).value();
  const std::vector<BlockId> landing = target.Allocate(target.total_blocks()).value();
  v1::RequestContext context;
  context.set_attempt(1);
  KvSender sender({.window_bytes = kChunk * kShape.RowBytes() * 64}, &network, &source);
  for (auto _ : state) {
    const uint64_t reservation = table.Open(landing, 0, tokens);
    table.BeginAttempt(reservation, 1);
    absl::Notification over;
    auto handle = sender.Open(kAddress, context, reservation, [&](absl::Status status) {
      if (!status.ok()) std::abort();
      over.Notify();
    });
    for (int64_t first = 0; first < tokens; first += kChunk) {
      for (int layer = 0; layer < kShape.layers; ++layer) handle->Enqueue(blocks, layer, first, kChunk);
    }
    handle->Finish();
    over.WaitForNotification();
    table.Close(reservation);
  }
  state.SetItemsProcessed(state.iterations() * tokens / kChunk * kShape.layers);
  network.Kill(kAddress);
}
BENCHMARK(BM_Push)->ArgName("tokens")->Arg(4096)->Arg(32768)->Arg(131072)->Unit(benchmark::kMillisecond)->UseRealTime();

}  // namespace
}  // namespace baleen
