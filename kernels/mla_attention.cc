#include "kernels/mla_attention.h"

#include <algorithm>
#include <utility>
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

// By instruction set and shape alone.
mla::Kernel Choose(Isa isa, const MlaShape& shape) {
  switch (isa) {
    case Isa::kAmx:
      if (shape.kv_dtype == DType::kBf16 && shape.kv_lora % 16 == 0) return mla::Amx();
      [[fallthrough]];
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
  AlignedBuffer keys;     // A packed block.
  AlignedBuffer own;      // The same for a row that may not share one.
  AlignedBuffer queries;  // Rounded, of the run: [rows, heads of the task].
  AlignedBuffer state;    // max, sum: [rows of the run, heads of the task] each
};

void Normalize(const float* sum, int64_t heads, int64_t kv_lora, float* acc) {
  for (int64_t head = 0; head < heads; ++head) {
    const float inverse = 1.0f / sum[head];
    for (int64_t c = 0; c < kv_lora; ++c) acc[head * kv_lora + c] *= inverse;
  }
}

// Heads [head, head + heads) of the rows of one run, a block of keys after the other.
class RunOfRows {
 public:
  RunOfRows(const Call& call, Run run, int64_t head, int64_t heads)
      : call_(call), run_(run), head_(head), heads_(heads), width_(call.width()), kv_lora_(call.shape.kv_lora) {
    const int64_t states = (run.end - run.begin) * heads;
    scratch().state.Reserve(static_cast<size_t>(2 * states) * sizeof(float));
    max_ = static_cast<float*>(scratch().state.data());
    sum_ = max_ + states;
    for (int64_t row = run.begin; row < run.end; ++row) last_ = std::max(last_, call.rows[row].position);
    if (call.kernel.round_query != nullptr) RoundQueries();
  }

  void Attend() {
    for (int64_t block = 0; block <= last_ / kKvBlockTokens; ++block) AttendBlock(block);
    for (int64_t row = run_.begin; row < run_.end; ++row) {
      Normalize(sum_ + (row - run_.begin) * heads_, heads_, kv_lora_, call_.out + FirstHead(row) * kv_lora_);
    }
  }

 private:
  static Scratch& scratch() {
    thread_local Scratch scratch;
    return scratch;
  }
  int64_t FirstHead(int64_t row) const { return row * call_.shape.heads + head_; }
  int64_t Visible(int64_t row, int64_t block) const {
    return std::min<int64_t>(kKvBlockTokens, call_.rows[row].position - block * kKvBlockTokens + 1);
  }

  void RoundQueries() {
    const int64_t bytes = heads_ * call_.kernel.query_bytes(width_);
    scratch().queries.Reserve(static_cast<size_t>((run_.end - run_.begin) * bytes));
    char* out = static_cast<char*>(scratch().queries.data());
    for (int64_t row = run_.begin; row < run_.end; ++row, out += bytes) {
      call_.kernel.round_query(call_.query + FirstHead(row) * width_, heads_, width_, out);
    }
  }

  const void* Query(int64_t row) const {
    if (call_.kernel.round_query == nullptr) return call_.query + FirstHead(row) * width_;
    return static_cast<const char*>(scratch().queries.data()) + (row - run_.begin) * heads_ * call_.kernel.query_bytes(width_);
  }

  // Packs `count` keys into `buffer`; `shareable` as Kernel::pack says. F32 pages stay where they are.
  const void* Keys(const void* page, int64_t count, AlignedBuffer& buffer, bool* shareable) const {
    *shareable = true;
    if (call_.shape.kv_dtype == DType::kF32) return page;
    buffer.Reserve(static_cast<size_t>(call_.kernel.packed_bytes(width_, kv_lora_)));
    *shareable = call_.kernel.pack(static_cast<const uint16_t*>(page), count, width_, kv_lora_, buffer.data());
    return buffer.data();
  }

  void AttendBlock(int64_t block) {
    const void* const page = call_.rows[run_.begin].pages[block];
    const int64_t most = std::min<int64_t>(kKvBlockTokens, last_ - block * kKvBlockTokens + 1);
    bool shareable = true;
    const void* const keys = Keys(page, most, scratch().keys, &shareable);
    const void* next_page = block < last_ / kKvBlockTokens ? call_.rows[run_.begin].pages[block + 1] : nullptr;
    for (int64_t row = run_.begin; row < run_.end; ++row) {
      const int64_t visible = Visible(row, block);
      if (visible <= 0) continue;
      bool unused = true;
      const void* const mine = shareable || visible == most ? keys : Keys(page, visible, scratch().own, &unused);
      const int64_t state = (row - run_.begin) * heads_;
      call_.kernel.attend({.keys = mine,
                           .count = visible,
                           .width = width_,
                           .kv_lora = kv_lora_,
                           .query = Query(row),
                           .heads = heads_,
                           .scale = call_.shape.scale,
                           .first = block == 0,
                           .next_page = std::exchange(next_page, nullptr),
                           .max = max_ + state,
                           .sum = sum_ + state,
                           .acc = call_.out + FirstHead(row) * kv_lora_});
    }
  }

  const Call& call_;
  const Run run_;
  const int64_t head_;
  const int64_t heads_;
  const int64_t width_;
  const int64_t kv_lora_;
  int64_t last_ = 0;
  float* max_ = nullptr;
  float* sum_ = nullptr;
};

}  // namespace

void MlaAttention(const MlaShape& shape, const MlaQueryRow* rows, int64_t row_count, const float* query, float* out, Isa isa,
                  ThreadPool* pool) {
  if (row_count <= 0) return;
  const std::vector<Run> runs = SplitIntoRuns(rows, row_count);
  const int64_t run_count = static_cast<int64_t>(runs.size());
  const Call call = {shape, rows, query, out, Choose(isa, shape)};
  const int heads_per_task = HeadsPerTask(shape.heads, run_count, pool == nullptr ? 1 : pool->threads());
  const int64_t splits = (shape.heads + heads_per_task - 1) / heads_per_task;
  const auto body = [&](int64_t begin, int64_t end) {
    for (int64_t task = begin; task < end; ++task) {
      const int64_t head = task % splits * heads_per_task;
      RunOfRows(call, runs[task / splits], head, std::min<int64_t>(heads_per_task, shape.heads - head)).Attend();
    }
  };
  if (pool == nullptr) {
    body(0, run_count * splits);
  } else {
    pool->ParallelFor(run_count * splits, 1, body);
  }
}

}  // namespace baleen
