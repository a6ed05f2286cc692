#include "kernels/linear_pack.h"

#include <algorithm>
#include <vector>

#include "kernels/cpu/linear/panel.h"

namespace baleen {
namespace {

using linear::kPanelOutputs;

// Put value (output o, input k) of one panel into its place.
void PutF32(char* panel, int64_t k, int64_t o, float value) { reinterpret_cast<float*>(panel)[k * kPanelOutputs + o] = value; }

void PutBf16(char* panel, int64_t k, int64_t o, float value) {
  reinterpret_cast<Bf16*>(panel)[(k / 2 * kPanelOutputs + o) * 2 + k % 2] = F32ToBf16(value);
}

// rows [width, inputs], the outputs of one panel.
template <typename Put>
void PackPanel(const float* rows, int64_t width, int64_t inputs, char* panel, const Put& put) {
  for (int64_t k = 0; k < inputs; ++k) {
    for (int64_t o = 0; o < width; ++o) put(panel, k, o, rows[o * inputs + k]);
  }
}

}  // namespace

int64_t PanelBytes(int64_t inputs, DType compute) {
  const int64_t per_output = compute == DType::kF32 ? inputs * 4 : (inputs + 1) / 2 * 4;
  return per_output * kPanelOutputs;
}

void PackPanels(const WeightView& view, DType compute, void* panels) {
  const int64_t panel_bytes = PanelBytes(view.cols, compute);
  std::vector<float> rows(kPanelOutputs * view.cols);
  for (int64_t first = 0; first < view.rows; first += kPanelOutputs) {
    char* panel = static_cast<char*>(panels) + first / kPanelOutputs * panel_bytes;
    const int64_t width = std::min<int64_t>(kPanelOutputs, view.rows - first);
    for (int64_t o = 0; o < width; ++o) DequantizeRow(view, first + o, rows.data() + o * view.cols);
    if (compute == DType::kF32) {
      PackPanel(rows.data(), width, view.cols, panel, [](auto... place) { PutF32(place...); });
    } else {
      PackPanel(rows.data(), width, view.cols, panel, [](auto... place) { PutBf16(place...); });
    }
  }
}

void PackPanelsTransposed(const WeightView& view, DType compute, void* panels) {
  const int64_t panel_bytes = PanelBytes(view.rows, compute);
  std::vector<float> row(view.cols);
  for (int64_t k = 0; k < view.rows; ++k) {
    DequantizeRow(view, k, row.data());
    for (int64_t output = 0; output < view.cols; ++output) {
      char* panel = static_cast<char*>(panels) + output / kPanelOutputs * panel_bytes;
      (compute == DType::kF32 ? PutF32 : PutBf16)(panel, k, output % kPanelOutputs, row[output]);
    }
  }
}

}  // namespace baleen
