#include "kernels/linear.h"

#include <algorithm>
#include <utility>

#include "base/parallel_for.h"
#include "kernels/aligned_buffer.h"
#include "kernels/cpu/linear/panel.h"
#include "kernels/fork_cost.h"
#include "kernels/linear_pack.h"
#include "kernels/quantize.h"

namespace baleen {
namespace {

using linear::Inputs;
using linear::kPanelOutputs;
using linear::PanelKernel;
using linear::PanelRun;

// Rows whose inputs are converted at a time: bounds scratch, and is far above the rows per weight byte that hide memory.
constexpr int64_t kSliceRows = 256;
// Rows of one task: enough to pay for reading a panel run into the second-level cache.
constexpr int64_t kTaskRows = 96;
// Inputs of a task that converts them: fewer take less time than a fork.
constexpr int64_t kRoundInputs = 1 << 14;

// The kernels of one instruction set.
struct Family {
  PanelKernel (*f32)();
  PanelKernel (*bf16)();
  PanelKernel (*fp8)();
  PanelKernel (*int8)();
};

constexpr Family kReference = {linear::ReferenceF32, linear::ReferenceBf16, linear::ReferenceFp8, linear::ReferenceInt8};
constexpr Family kAvx2 = {linear::Avx2F32, linear::Avx2Bf16, linear::Avx2Fp8, linear::Avx2Int8};
// All give the same bits. Of Dot and Fma the vendors differ in which is twice as fast; Plain is for CPUs without VNNI.
constexpr Family kAvx512Dot = {linear::Avx512F32, linear::Avx512Bf16Dot, linear::Avx512Fp8Dot, linear::Avx512Int8};
constexpr Family kAvx512Fma = {linear::Avx512F32, linear::Avx512Bf16Fma, linear::Avx512Fp8Fma, linear::Avx512Int8};
constexpr Family kAvx512Plain = {linear::Avx512F32, linear::Avx512Bf16Fma, linear::Avx512Fp8Fma, linear::Avx2Int8};
constexpr Family kAmx = {linear::Avx512F32, linear::AmxBf16, linear::AmxFp8, linear::AmxInt8};

const Family& Avx512Family() {
  if (!__builtin_cpu_supports("avx512vnni")) return kAvx512Plain;
  return __builtin_cpu_supports("avx512bf16") && !__builtin_cpu_is("intel") ? kAvx512Dot : kAvx512Fma;
}

const Family& FamilyOf(Isa isa) {
  if (isa == Isa::kAmx) return kAmx;
  if (isa == Isa::kAvx512) return Avx512Family();
  return isa == Isa::kAvx2 ? kAvx2 : kReference;
}

PanelKernel Choose(DType compute, Isa isa) {
  const Family& family = FamilyOf(isa);
  switch (compute) {
    case DType::kF32:
      return family.f32();
    case DType::kBf16:
      return family.bf16();
    case DType::kF8E4m3:
      return family.fp8();
    case DType::kI8:
      break;
  }
  return family.int8();
}

// Bytes of an element that ldx counts, and a row's elements.
int64_t ElementBytes(Inputs inputs) { return inputs == Inputs::kInt8 ? 1 : inputs == Inputs::kBf16 ? 2 : 4; }
int64_t RowElements(Inputs form, int64_t inputs) { return form == Inputs::kInt8 ? linear::Int8RowBytes(inputs) : inputs; }

// Whether panels of 16 outputs stay within the view's scale blocks.
bool BlocksFitPanels(const WeightView& view) { return view.first_row % kPanelOutputs == 0; }

// Fewer than the kernel likes where threads would else go idle.
int64_t PanelsPerTask(int64_t panels, int64_t row_blocks, int64_t preferred, const ThreadPool* pool) {
  int64_t group = preferred;
  while (pool != nullptr && group > 1 && panels * row_blocks < 2 * group * pool->threads()) group = (group + 1) / 2;
  return group;
}

}  // namespace

struct PackedLinear::Impl {
  int64_t outputs = 0;
  int64_t inputs = 0;
  int64_t panel_bytes = 0;
  int64_t panels = 0;
  DType compute = DType::kF32;
  PanelKernel kernel;
  PanelMemory weights;
  PanelMemory tables;       // FP8: of PanelRun.
  int64_t first_panel = 0;  // FP8: how many panels behind a 128-row boundary the first one lies.

  Impl(int64_t outputs, int64_t inputs, DType compute, Isa isa, PanelSource* source)
      : outputs(outputs),
        inputs(inputs),
        panel_bytes(PanelBytes(inputs, compute)),
        panels((outputs + kPanelOutputs - 1) / kPanelOutputs),
        compute(compute),
        kernel(Choose(compute, isa)),
        weights(Take(source, panels * panel_bytes)) {}

  static PanelMemory Take(PanelSource* source, int64_t bytes) {
    return source == nullptr ? PrivatePanels(static_cast<size_t>(bytes)) : source->Take(static_cast<size_t>(bytes));
  }
  // FP8: room for the tables of a view of this shape.
  void TakeTables(const WeightView& shape, PanelSource* source) {
    tables = Take(source, Fp8TableCount(shape) * 128 * static_cast<int64_t>(sizeof(Bf16)));
    first_panel = shape.first_row % linear::kBlockInputs / kPanelOutputs;
  }
  bool filled() const { return weights.filled && (compute != DType::kF8E4m3 || tables.filled); }
  // What is not filled.
  void Fill(const WeightView& view) const {
    if (!weights.filled) PackPanels(view, compute, weights.data);
    if (compute == DType::kF8E4m3 && !tables.filled) FillFp8Tables(view, static_cast<Bf16*>(tables.data));
  }
  void ApplySlice(const float* x, int64_t m, int64_t ldx, float* y, int64_t ldy, ThreadPool* pool) const;
  // The inputs as the kernel wants them; `ld` receives their row stride.
  const void* Round(const float* x, int64_t m, int64_t ldx, int64_t* ld, ThreadPool* pool) const;
};

const void* PackedLinear::Impl::Round(const float* x, int64_t m, int64_t ldx, int64_t* ld, ThreadPool* pool) const {
  if (kernel.inputs == Inputs::kF32) {
    *ld = ldx;
    return x;
  }
  thread_local AlignedBuffer scratch;
  const int64_t element = ElementBytes(kernel.inputs);
  // A whole number of cache lines and an odd one more: rows a power of two apart would share cache sets.
  const int64_t line = 64 / element;
  const int64_t stride = ((RowElements(kernel.inputs, inputs) + line - 1) / line | 1) * line;
  scratch.Reserve(static_cast<size_t>(m * stride * element));
  char* const base = static_cast<char*>(scratch.data());
  ParallelFor(pool, m, std::max<int64_t>(1, kRoundInputs / inputs), [&](int64_t begin, int64_t end) {
    for (int64_t row = begin; row < end; ++row) kernel.round(x + row * ldx, inputs, base + row * stride * element, stride);
  });
  *ld = stride;
  return base;
}

void PackedLinear::Impl::ApplySlice(const float* x, int64_t m, int64_t ldx, float* y, int64_t ldy, ThreadPool* pool) const {
  if (m * outputs * inputs < kForkProducts) pool = nullptr;
  int64_t ld = 0;
  const void* in = Round(x, m, ldx, &ld, pool);
  const int64_t element = ElementBytes(kernel.inputs);
  const int64_t row_blocks = (m + kTaskRows - 1) / kTaskRows;
  const int64_t group = PanelsPerTask(panels, row_blocks, kernel.panels_at_once, pool);
  const int64_t groups = (panels + group - 1) / group;
  ParallelFor(pool, groups * row_blocks, 1, [&](int64_t begin, int64_t end) {
    for (int64_t task = begin; task < end; ++task) {
      const int64_t panel = task / row_blocks * group;
      const int64_t row = task % row_blocks * kTaskRows;
      const int64_t column = panel * kPanelOutputs;
      PanelRun run;
      run.panels = static_cast<const char*>(weights.data) + panel * panel_bytes;
      run.panel_bytes = panel_bytes;
      run.panel_count = std::min<int64_t>(group, panels - panel);
      run.steps = PanelSteps(inputs, compute);
      run.x = static_cast<const char*>(in) + row * ld * element;
      run.ldx = ld;
      run.m = std::min(kTaskRows, m - row);
      run.y = y + row * ldy + column;
      run.ldy = ldy;
      run.outputs = std::min(run.panel_count * kPanelOutputs, outputs - column);
      run.tables = static_cast<const Bf16*>(tables.data);
      run.panel = first_panel + panel;
      kernel.run(run);
    }
  });
}

PackedLinear::PackedLinear() = default;
PackedLinear::~PackedLinear() = default;
PackedLinear::PackedLinear(PackedLinear&&) noexcept = default;
PackedLinear& PackedLinear::operator=(PackedLinear&&) noexcept = default;

PackedLinear PackedLinear::Pack(const WeightView& view, DType compute, Isa isa, PanelSource* panels) {
  const bool quantize = compute == DType::kF8E4m3 && view.dtype != DType::kF8E4m3;
  if (compute == DType::kF8E4m3 && !quantize && !BlocksFitPanels(view)) compute = DType::kBf16;
  PackedLinear packed;
  packed.impl_ = std::make_unique<Impl>(view.rows, view.cols, compute, isa, panels);
  if (compute == DType::kF8E4m3) {
    packed.impl_->TakeTables(quantize ? WeightView{.dtype = DType::kF8E4m3, .rows = view.rows, .cols = view.cols} : view, panels);
  }
  if (packed.impl_->filled()) return packed;
  packed.impl_->Fill(quantize ? QuantizeFp8(view).view : view);
  return packed;
}

PackedLinear PackedLinear::PackTransposed(const WeightView& view, DType compute, Isa isa, PanelSource* panels) {
  PackedLinear packed;
  packed.impl_ = std::make_unique<Impl>(view.cols, view.rows, compute, isa, panels);
  if (!packed.impl_->weights.filled) PackPanelsTransposed(view, compute, packed.impl_->weights.data);
  return packed;
}

int64_t PackedLinear::outputs() const { return impl_ ? impl_->outputs : 0; }
int64_t PackedLinear::inputs() const { return impl_ ? impl_->inputs : 0; }
int64_t PackedLinear::bytes() const { return impl_ ? static_cast<int64_t>(impl_->weights.size + impl_->tables.size) : 0; }

void PackedLinear::Apply(const float* x, int64_t m, int64_t ldx, float* y, int64_t ldy, ThreadPool* pool) const {
  if (impl_ == nullptr) return;
  for (int64_t row = 0; row < m; row += kSliceRows) {
    impl_->ApplySlice(x + row * ldx, std::min(kSliceRows, m - row), ldx, y + row * ldy, ldy, pool);
  }
}

}  // namespace baleen
