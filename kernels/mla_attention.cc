#include "kernels/mla_attention.h"

#include <algorithm>
#include <functional>
#include <limits>
#include <utility>
#include <vector>

#include "base/parallel_for.h"
#include "kernels/aligned_buffer.h"
#include "kernels/cpu/mla_attention/block.h"
#include "kernels/fork_cost.h"
#include "kernels/math.h"

namespace baleen {
namespace {

// Rows of one sequence that walk its blocks together; their accumulators should stay in the second-level cache.
constexpr int64_t kRunRows = 16;
// A position's keys fall into segments of at least this many blocks, and into at most kMostSegments of them.
constexpr int64_t kLeastSegmentBlocks = 32;
constexpr int64_t kMostSegments = 16;

// Blocks of a segment, by the position alone: the sum over keys is the sum of its segments' sums in ascending order, so that the segments
// of one row can be computed at the same time.
int64_t SegmentBlocks(int64_t position) {
  int64_t blocks = kLeastSegmentBlocks;
  while (position / kKvBlockTokens / blocks >= kMostSegments) blocks *= 2;
  return blocks;
}

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
  AlignedBuffer queries;  // Packed, of the run: [rows] of the task's heads.
  AlignedBuffer states;   // Softmax of the rows of the run, for the segment and for those before it.
};

// The online softmax of some heads over some keys: the largest score, sum of exp(score - max) and the same sum over values.
struct Softmax {
  float* max = nullptr;  // [heads]
  float* sum = nullptr;  // [heads]
  float* acc = nullptr;  // [heads, kv_lora]
};

constexpr int64_t StateFloats(int64_t heads, int64_t kv_lora) { return heads * (kv_lora + 2); }

// Floats [heads], [heads] and [heads, kv_lora].
Softmax StateAt(float* floats, int64_t heads) { return {floats, floats + heads, floats + 2 * heads}; }

void Copy(const Softmax& from, int64_t heads, int64_t kv_lora, const Softmax& to) {
  std::copy_n(from.max, heads, to.max);
  std::copy_n(from.sum, heads, to.sum);
  std::copy_n(from.acc, heads * kv_lora, to.acc);
}

// Adds the keys of `next` to those of `sofar`; the result is in `into`, which may be either.
void Merge(const Softmax& sofar, const Softmax& next, int64_t heads, int64_t kv_lora, const Softmax& into) {
  for (int64_t head = 0; head < heads; ++head) {
    const float top = std::max(sofar.max[head], next.max[head]);
    const float before = Exp(sofar.max[head] - top);
    const float now = Exp(next.max[head] - top);
    into.max[head] = top;
    into.sum[head] = sofar.sum[head] * before + next.sum[head] * now;
    for (int64_t c = head * kv_lora; c < (head + 1) * kv_lora; ++c) into.acc[c] = sofar.acc[c] * before + next.acc[c] * now;
  }
}

void Normalize(const Softmax& state, int64_t heads, int64_t kv_lora, float* out) {
  for (int64_t head = 0; head < heads; ++head) {
    const float inverse = 1.0f / state.sum[head];
    for (int64_t c = head * kv_lora; c < (head + 1) * kv_lora; ++c) out[c] = state.acc[c] * inverse;
  }
}

// Heads [head, head + heads) of the rows of one run, a block of keys after the other.
class RunOfRows {
 public:
  RunOfRows(const Call& call, Run run, int64_t head, int64_t heads)
      : call_(call), run_(run), head_(head), heads_(heads), width_(call.width()), kv_lora_(call.shape.kv_lora) {
    const int64_t floats = 2 * heads + StateFloats(heads, kv_lora_);
    scratch().states.Reserve(static_cast<size_t>((run.end - run.begin) * floats) * sizeof(float));
    states_ = static_cast<float*>(scratch().states.data());
    for (int64_t row = run.begin; row < run.end; ++row) {
      first_ = std::min(first_, call.rows[row].position);
      last_ = std::max(last_, call.rows[row].position);
    }
    if (call.kernel.pack_queries != nullptr) PackQueries();
  }

  // The whole of it, into `out`.
  void Attend() {
    for (int64_t block = 0; block <= last_ / kKvBlockTokens; ++block) {
      for (int64_t row = run_.begin; row < run_.end; ++row) {
        if (block > 0 && Visible(row, block) > 0 && block % SegmentBlocks(Position(row)) == 0) EndSegment(row, block);
      }
      AttendBlock(block, [this](int64_t row) { return Segment(row); });
    }
    for (int64_t row = run_.begin; row < run_.end; ++row) {
      if (Position(row) / kKvBlockTokens >= SegmentBlocks(Position(row))) Merge(Before(row), Segment(row), heads_, kv_lora_, Segment(row));
      Normalize(Segment(row), heads_, kv_lora_, Out(row));
    }
  }

  // One segment of a run of one row, into `state`.
  void AttendSegment(int64_t segment, const Softmax& state) {
    const int64_t blocks = SegmentBlocks(Position(run_.begin));
    const int64_t end = std::min((segment + 1) * blocks, last_ / kKvBlockTokens + 1);
    for (int64_t block = segment * blocks; block < end; ++block) {
      AttendBlock(block, [&state](int64_t) { return state; });
    }
  }

 private:
  static Scratch& scratch() {
    thread_local Scratch scratch;
    return scratch;
  }
  int64_t FirstHead(int64_t row) const { return row * call_.shape.heads + head_; }
  int64_t Position(int64_t row) const { return call_.rows[row].position; }
  int64_t Visible(int64_t row, int64_t block) const {
    return std::min<int64_t>(kKvBlockTokens, Position(row) - block * kKvBlockTokens + 1);
  }
  float* Out(int64_t row) const { return call_.out + FirstHead(row) * kv_lora_; }

  // Sums over the segment's keys so far, those of values in `out`.
  Softmax Segment(int64_t row) const {
    float* const state = states_ + (row - run_.begin) * 2 * heads_;
    return {state, state + heads_, Out(row)};
  }

  // Sums over the segments before it.
  Softmax Before(int64_t row) const {
    float* const behind = states_ + (run_.end - run_.begin) * 2 * heads_;
    return StateAt(behind + (row - run_.begin) * StateFloats(heads_, kv_lora_), heads_);
  }

  void EndSegment(int64_t row, int64_t block) const {
    if (block == SegmentBlocks(Position(row))) {
      Copy(Segment(row), heads_, kv_lora_, Before(row));
    } else {
      Merge(Before(row), Segment(row), heads_, kv_lora_, Before(row));
    }
  }

  void PackQueries() {
    const int64_t bytes = call_.kernel.query_bytes(heads_, width_);
    scratch().queries.Reserve(static_cast<size_t>((run_.end - run_.begin) * bytes));
    char* out = static_cast<char*>(scratch().queries.data());
    for (int64_t row = run_.begin; row < run_.end; ++row, out += bytes) {
      call_.kernel.pack_queries(call_.query + FirstHead(row) * width_, heads_, width_, out);
    }
  }

  const void* Query(int64_t row) const {
    if (call_.kernel.pack_queries == nullptr) return call_.query + FirstHead(row) * width_;
    return static_cast<const char*>(scratch().queries.data()) + (row - run_.begin) * call_.kernel.query_bytes(heads_, width_);
  }

  // Packs `count` keys into `buffer`. F32 pages stay where they are.
  const void* Keys(const void* page, int64_t count, AlignedBuffer& buffer) const {
    if (call_.shape.kv_dtype == DType::kF32) return page;
    buffer.Reserve(static_cast<size_t>(call_.kernel.packed_bytes(width_, kv_lora_)));
    call_.kernel.pack(static_cast<const uint16_t*>(page), count, width_, kv_lora_, run_.end - run_.begin > 1, buffer.data());
    return buffer.data();
  }

  // Whether a row may use `most` packed keys and see fewer of them.
  bool Shareable(const void* page, int64_t most) const {
    if (call_.shape.kv_dtype == DType::kF32 || call_.kernel.finite == nullptr) return true;
    return call_.kernel.finite(static_cast<const uint16_t*>(page), most, width_, kv_lora_);
  }

  // state_of(row) is the Softmax that the row's keys of this block go to.
  template <class StateOf>
  void AttendBlock(int64_t block, const StateOf& state_of) {
    const void* const page = call_.rows[run_.begin].pages[block];
    const int64_t most = std::min<int64_t>(kKvBlockTokens, last_ - block * kKvBlockTokens + 1);
    const bool alike = first_ >= block * kKvBlockTokens + most - 1;
    const bool shareable = alike || Shareable(page, most);
    const void* const keys = Keys(page, most, scratch().keys);
    const void* next_page = block < last_ / kKvBlockTokens ? call_.rows[run_.begin].pages[block + 1] : nullptr;
    for (int64_t row = run_.begin; row < run_.end; ++row) {
      const int64_t visible = Visible(row, block);
      if (visible <= 0) continue;
      const void* const mine = shareable || visible == most ? keys : Keys(page, visible, scratch().own);
      const Softmax state = state_of(row);
      call_.kernel.attend({.keys = mine,
                           .count = visible,
                           .width = width_,
                           .kv_lora = kv_lora_,
                           .query = Query(row),
                           .heads = heads_,
                           .scale = call_.shape.scale,
                           .first = block % SegmentBlocks(Position(row)) == 0,
                           .next_page = std::exchange(next_page, nullptr),
                           .max = state.max,
                           .sum = state.sum,
                           .acc = state.acc});
    }
  }

  const Call& call_;
  const Run run_;
  const int64_t head_;
  const int64_t heads_;
  const int64_t width_;
  const int64_t kv_lora_;
  int64_t first_ = std::numeric_limits<int64_t>::max();  // The lowest and the highest position.
  int64_t last_ = 0;
  float* states_ = nullptr;
};

void ForEach(ThreadPool* pool, int64_t count, const std::function<void(int64_t)>& body) {
  ParallelFor(pool, count, 1, [&](int64_t begin, int64_t end) {
    for (int64_t i = begin; i < end; ++i) body(i);
  });
}

// Heads split into `groups` tasks, or fewer: each a multiple of what the kernel takes at once.
struct HeadGroups {
  HeadGroups(const Call& call, int64_t groups) : heads(call.shape.heads) {
    const int64_t tile = call.kernel.head_tile;
    const int64_t share = (heads + groups - 1) / groups;
    each = (share + tile - 1) / tile * tile;
    count = (heads + each - 1) / each;
  }
  int64_t Begin(int64_t group) const { return group * each; }
  int64_t Size(int64_t group) const { return std::min(each, heads - group * each); }

  int64_t heads = 0;
  int64_t each = 0;
  int64_t count = 0;
};

// A task a run and a group of heads.
void AttendByHeads(const Call& call, const std::vector<Run>& runs, int64_t tasks, ThreadPool* pool) {
  const int64_t run_count = static_cast<int64_t>(runs.size());
  const HeadGroups groups(call, (tasks + run_count - 1) / run_count);
  ForEach(pool, run_count * groups.count, [&](int64_t task) {
    const int64_t group = task % groups.count;
    RunOfRows(call, runs[task / groups.count], groups.Begin(group), groups.Size(group)).Attend();
  });
}

// The segments of runs of one row each.
struct Segment {
  Run run;
  int64_t index = 0;
};

std::vector<Segment> SegmentsOf(const Call& call, const std::vector<Run>& runs) {
  std::vector<Segment> segments;
  for (const Run& run : runs) {
    const int64_t position = call.rows[run.begin].position;
    for (int64_t s = 0; s <= position / kKvBlockTokens / SegmentBlocks(position); ++s) segments.push_back({run, s});
  }
  return segments;
}

// A task a segment and a group of heads; all heads of a group share a block's packing.
void AttendBySegments(const Call& call, const std::vector<Segment>& segments, int64_t tasks, ThreadPool* pool) {
  const int64_t count = static_cast<int64_t>(segments.size());
  const int64_t heads = call.shape.heads, kv_lora = call.shape.kv_lora;
  const int64_t floats = StateFloats(heads, kv_lora);
  thread_local AlignedBuffer states;
  states.Reserve(static_cast<size_t>(count * floats) * sizeof(float));
  float* const begin = static_cast<float*>(states.data());
  const auto state = [&](int64_t segment, int64_t head) {
    const Softmax all = StateAt(begin + segment * floats, heads);
    return Softmax{all.max + head, all.sum + head, all.acc + head * kv_lora};
  };
  const HeadGroups groups(call, (tasks + count - 1) / count);
  ForEach(pool, count * groups.count, [&](int64_t task) {
    const int64_t segment = task / groups.count, group = task % groups.count;
    RunOfRows(call, segments[segment].run, groups.Begin(group), groups.Size(group))
        .AttendSegment(segments[segment].index, state(segment, groups.Begin(group)));
  });
  ForEach(pool, heads, [&](int64_t head) {
    int64_t sofar = 0;
    for (int64_t segment = 0; segment < count; ++segment) {
      if (segments[segment].index == 0) {
        sofar = segment;
      } else {
        Merge(state(sofar, head), state(segment, head), 1, kv_lora, state(sofar, head));
      }
      const bool last = segment + 1 == count || segments[segment + 1].index == 0;
      if (last) Normalize(state(sofar, head), 1, kv_lora, call.out + (segments[segment].run.begin * heads + head) * kv_lora);
    }
  });
}

int64_t Products(const Call& call, int64_t row_count) {
  int64_t keys = 0;
  for (int64_t row = 0; row < row_count; ++row) keys += call.rows[row].position + 1;
  return keys * call.shape.heads * (2 * call.shape.kv_lora + call.shape.rope);
}

bool OneRowEach(const std::vector<Run>& runs) {
  return std::all_of(runs.begin(), runs.end(), [](const Run& run) { return run.end - run.begin == 1; });
}

}  // namespace

void MlaAttention(const MlaShape& shape, const MlaQueryRow* rows, int64_t row_count, const float* query, float* out, Isa isa,
                  ThreadPool* pool) {
  if (row_count <= 0) return;
  const std::vector<Run> runs = SplitIntoRuns(rows, row_count);
  const Call call = {shape, rows, query, out, Choose(isa, shape)};
  if (Products(call, row_count) < kForkProducts) pool = nullptr;
  const int64_t tasks = pool == nullptr || pool->threads() == 1 ? 1 : 2 * pool->threads();
  if (static_cast<int64_t>(runs.size()) < tasks && OneRowEach(runs)) {
    AttendBySegments(call, SegmentsOf(call, runs), tasks, pool);
  } else {
    AttendByHeads(call, runs, tasks, pool);
  }
}

}  // namespace baleen
