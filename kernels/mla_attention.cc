#include "kernels/mla_attention.h"

#include <algorithm>
#include <vector>

#include "kernels/aligned_buffer.h"
#include "kernels/cpu/mla_attention/block.h"

namespace baleen {
namespace {

// Rows of one sequence that walk its blocks together; their accumulators should stay in the second-level cache.
constexpr int64_t kRunRows = 16;
// Heads of one task are a multiple of this: two tiles of the widest kernel, enough to pay for widening a block.
constexpr int kTaskHeads = 8;

// Rows [begin, end) share their pages.
struct Run {
  int64_t begin = 0;
  int64_t end = 0;
};

std::vector<Run> SplitIntoRuns(const MlaQueryRow* rows, int64_t count) {
  std::vector<Run> runs;
  for (int64_t row = 0; row < count; ++row) {
    const bool joins = !runs.empty() && rows[runs.back().begin].pages == rows[row].pages && row - runs.back().begin < kRunRows;
    if (joins) {
      runs.back().end = row + 1;
    } else {
      runs.push_back({row, row + 1});
    }
  }
  return runs;
}

// Heads a task: all of them share a block's conversion, but every thread should get some tasks.
int HeadsPerTask(int heads, int64_t runs, int threads) {
  const int64_t tasks = threads == 1 ? 1 : 2 * threads;
  const int64_t splits = std::clamp<int64_t>((tasks + runs - 1) / runs, 1, std::max(1, heads / kTaskHeads));
  const int share = static_cast<int>((heads + splits - 1) / splits);
  return (share + kTaskHeads - 1) / kTaskHeads * kTaskHeads;
}

mla::Kernel Choose(Isa isa) {
  switch (isa) {
    case Isa::kAmx:
    case Isa::kAvx512:
      return mla::Avx512();
    case Isa::kAvx2:
      return mla::Avx2();
    case Isa::kReference:
      break;
  }
  return mla::Reference();
}

struct Call {
  const MlaShape& shape;
  const MlaQueryRow* rows;
  const float* query;
  float* out;
  mla::Kernel kernel;

  int64_t width() const { return shape.kv_lora + shape.rope; }
};

struct Scratch {
  AlignedBuffer keys;   // [64, width]
  AlignedBuffer state;  // max, sum: [rows of the run, heads of the task] each
};

const float* BlockKeys(const Call& call, const void* page, int64_t count, Scratch* scratch) {
  if (call.shape.kv_dtype == DType::kF32) return static_cast<const float*>(page);
  float* keys = static_cast<float*>(scratch->keys.data());
  call.kernel.widen(static_cast<const uint16_t*>(page), count * call.width(), keys);
  return keys;
}

void Normalize(const float* sum, int64_t heads, int64_t kv_lora, float* acc) {
  for (int64_t head = 0; head < heads; ++head) {
    const float inverse = 1.0f / sum[head];
    for (int64_t c = 0; c < kv_lora; ++c) acc[head * kv_lora + c] *= inverse;
  }
}

// Heads [head, head + heads) of the rows of one run.
void AttendRun(const Call& call, Run run, int64_t head, int64_t heads) {
  thread_local Scratch scratch;
  const int64_t width = call.width();
  const int64_t kv_lora = call.shape.kv_lora;
  const int64_t states = (run.end - run.begin) * heads;
  scratch.keys.Reserve(static_cast<size_t>(kKvBlockTokens * width) * sizeof(float));
  scratch.state.Reserve(static_cast<size_t>(2 * states) * sizeof(float));
  float* const max = static_cast<float*>(scratch.state.data());
  float* const sum = max + states;
  int64_t last = 0;
  for (int64_t row = run.begin; row < run.end; ++row) last = std::max(last, call.rows[row].position);
  for (int64_t block = 0; block <= last / kKvBlockTokens; ++block) {
    const int64_t first_key = block * kKvBlockTokens;
    const float* keys =
        BlockKeys(call, call.rows[run.begin].pages[block], std::min<int64_t>(kKvBlockTokens, last - first_key + 1), &scratch);
    for (int64_t row = run.begin; row < run.end; ++row) {
      const int64_t visible = call.rows[row].position - first_key + 1;
      if (visible <= 0) continue;
      const int64_t first_head = row * call.shape.heads + head;
      const int64_t state = (row - run.begin) * heads;
      call.kernel.attend({.keys = keys,
                          .count = std::min<int64_t>(kKvBlockTokens, visible),
                          .width = width,
                          .kv_lora = kv_lora,
                          .query = call.query + first_head * width,
                          .heads = heads,
                          .scale = call.shape.scale,
                          .first = block == 0,
                          .max = max + state,
                          .sum = sum + state,
                          .acc = call.out + first_head * kv_lora});
    }
  }
  for (int64_t row = run.begin; row < run.end; ++row) {
    Normalize(sum + (row - run.begin) * heads, heads, kv_lora, call.out + (row * call.shape.heads + head) * kv_lora);
  }
}

}  // namespace

void MlaAttention(const MlaShape& shape, const MlaQueryRow* rows, int64_t row_count, const float* query, float* out, Isa isa,
                  ThreadPool* pool) {
  if (row_count <= 0) return;
  const std::vector<Run> runs = SplitIntoRuns(rows, row_count);
  const int64_t run_count = static_cast<int64_t>(runs.size());
  const Call call = {shape, rows, query, out, Choose(isa)};
  const int heads_per_task = HeadsPerTask(shape.heads, run_count, pool == nullptr ? 1 : pool->threads());
  const int64_t splits = (shape.heads + heads_per_task - 1) / heads_per_task;
  const auto body = [&](int64_t begin, int64_t end) {
    for (int64_t task = begin; task < end; ++task) {
      const int64_t head = task % splits * heads_per_task;
      AttendRun(call, runs[task / splits], head, std::min<int64_t>(heads_per_task, shape.heads - head));
    }
  };
  if (pool == nullptr) {
    body(0, run_count * splits);
  } else {
    pool->ParallelFor(run_count * splits, 1, body);
  }
}

}  // namespace baleen
