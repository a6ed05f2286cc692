// Weights into panels (kernels/cpu/linear/panel.h).
#ifndef BALEEN_KERNELS_LINEAR_PACK_H_
#define BALEEN_KERNELS_LINEAR_PACK_H_

#include <cstdint>

#include "kernels/linear.h"

namespace baleen {

// Writes row `row` of the view as F32 [cols].
void DequantizeRow(const WeightView& view, int64_t row, float* out);

// Bytes of one panel of `inputs` channels.
int64_t PanelBytes(int64_t inputs, DType compute);
// Steps of one panel (PanelRun::steps).
int64_t PanelSteps(int64_t inputs, DType compute);

// Fill zeroed panels with the view, or with its transpose (kF32 and kBf16 only). `panels` holds
// ceil(outputs / 16) * PanelBytes(inputs, compute) bytes. For kF8E4m3 the view is FP8 itself.
void PackPanels(const WeightView& view, DType compute, void* panels);
void PackPanelsTransposed(const WeightView& view, DType compute, void* panels);

// The tables that FP8 panels of the view need (PanelRun::tables): [row blocks that it touches][column blocks][128].
int64_t Fp8TableCount(const WeightView& view);
void FillFp8Tables(const WeightView& view, Bf16* tables);

}  // namespace baleen

#endif  // BALEEN_KERNELS_LINEAR_PACK_H_
