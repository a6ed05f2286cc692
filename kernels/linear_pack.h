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

// Fill zeroed panels with the view, or with its transpose. `panels` holds ceil(outputs / 16) * PanelBytes(inputs, compute) bytes.
void PackPanels(const WeightView& view, DType compute, void* panels);
void PackPanelsTransposed(const WeightView& view, DType compute, void* panels);

}  // namespace baleen

#endif  // BALEEN_KERNELS_LINEAR_PACK_H_
