// y = x W^T over weights packed once at load.
//
// Row-invariant: lanes run over output channels and one FP32 accumulator per (row, channel) walks K in ascending
// order (BF16 and FP8: ascending pairs, the odd one of a pair first, as vdpbf16ps does; INT8: ascending blocks of 128), so a row's result
// is bitwise the same for any m, any thread count and any position in the batch. Instruction sets agree too, but for BF16 and FP8: the
// reference keeps subnormals, the others take them as zero; AMX adds up 32 inputs on their own before it adds them to the rest.
#ifndef BALEEN_KERNELS_LINEAR_H_
#define BALEEN_KERNELS_LINEAR_H_

#include <cstdint>
#include <memory>

#include "base/dtype.h"
#include "base/thread_pool.h"
#include "kernels/isa.h"
#include "kernels/panel_source.h"

namespace baleen {

// A weight as a checkpoint stores it: row-major [rows, cols]; not owned.
struct WeightView {
  const void* data = nullptr;  // Aligned to nothing.
  DType dtype = DType::kF32;
  int64_t rows = 0;        // Output channels N.
  int64_t cols = 0;        // Input channels K.
  int64_t row_stride = 0;  // Elements between rows; 0 = cols.
  // FP8 only: value = code * scale[(first_row + r) / 128 * scale_stride + c / 128] (model spec section 2).
  const float* scale = nullptr;
  int64_t scale_stride = 0;
  int64_t first_row = 0;
};

// Writes the view as F32 row-major [rows, cols].
void Dequantize(const WeightView& view, float* out);

// An [N, K] weight in a kernel's own layout; immutable, thread-safe, movable.
class PackedLinear {
 public:
  PackedLinear();
  ~PackedLinear();
  PackedLinear(PackedLinear&&) noexcept;
  PackedLinear& operator=(PackedLinear&&) noexcept;

  // `compute` says how products are formed; all accumulate in FP32.
  // kF32: as they are. kBf16: weights (after FP8 dequantisation in F32) and inputs rounded to BF16.
  // kF8E4m3: one byte a weight in memory. Of an FP8 view the very bits of kBf16; other views are first brought to E4M3 with a scale for
  // each 128 x 128 block. Views whose 128-row blocks do not begin at a multiple of 16 rows are kept as kBf16.
  // kI8: weights by (output, 128 inputs) and inputs by (row, 128 inputs) rounded to 127 steps of their greatest magnitude; a block's dot
  // is an exact integer.
  // Panels come from `panels`, where it is not null: filled ones are taken as they are, and the view's data is not read.
  static PackedLinear Pack(const WeightView& view, DType compute, Isa isa, PanelSource* panels = nullptr);
  // As Pack with kF32 or kBf16, of the transpose: the result has view.cols outputs and view.rows inputs.
  static PackedLinear PackTransposed(const WeightView& view, DType compute, Isa isa, PanelSource* panels = nullptr);

  int64_t outputs() const;
  int64_t inputs() const;
  int64_t bytes() const;

  // x [m, inputs] with row stride ldx; y [m, outputs] with row stride ldy, overwritten; no aliasing. `pool` may be
  // null (one thread).
  void Apply(const float* x, int64_t m, int64_t ldx, float* y, int64_t ldy, ThreadPool* pool) const;

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace baleen

#endif  // BALEEN_KERNELS_LINEAR_H_
