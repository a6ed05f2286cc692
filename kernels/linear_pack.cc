#include "kernels/linear_pack.h"

#include <algorithm>
#include <cstring>
#include <vector>

#include "kernels/cpu/linear/int8_round.h"
#include "kernels/cpu/linear/panel.h"

namespace baleen {
namespace {

using linear::kBlockInputs;
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

// Codes of outputs [first, first + width) as they are, by pairs of inputs.
void PackFp8Panel(const WeightView& view, int64_t first, int64_t width, char* panel) {
  const int64_t stride = view.row_stride != 0 ? view.row_stride : view.cols;
  for (int64_t o = 0; o < width; ++o) {
    const char* row = static_cast<const char*>(view.data) + (first + o) * stride;
    for (int64_t k = 0; k < view.cols; ++k) panel[(k / 2 * kPanelOutputs + o) * 2 + k % 2] = row[k];
  }
}

// BF16 as it is, two inputs at a time: a panel is a transpose of 4-byte words, taken in squares of a cache line.
void PackBf16Pairs(const WeightView& view, int64_t first, int64_t width, char* panel) {
  constexpr int64_t kSquare = 16;
  const int64_t stride = view.row_stride != 0 ? view.row_stride : view.cols;
  const Bf16* const rows = static_cast<const Bf16*>(view.data) + first * stride;
  const int64_t pairs = view.cols / 2;
  for (int64_t begin = 0; begin < pairs; begin += kSquare) {
    const int64_t end = std::min(pairs, begin + kSquare);
    for (int64_t o = 0; o < width; ++o) {
      for (int64_t k = begin; k < end; ++k) std::memcpy(panel + (k * kPanelOutputs + o) * 4, rows + o * stride + 2 * k, 4);
    }
  }
  if (view.cols % 2 == 0) return;
  for (int64_t o = 0; o < width; ++o) std::memcpy(panel + (pairs * kPanelOutputs + o) * 4, rows + o * stride + 2 * pairs, sizeof(Bf16));
}

// rows [width, inputs]; every block begins with its scales.
void PackInt8Panel(const float* rows, int64_t width, int64_t inputs, char* panel) {
  for (int64_t begin = 0; begin < inputs; begin += kBlockInputs) {
    const int64_t count = std::min<int64_t>(kBlockInputs, inputs - begin);
    char* const codes = panel + kPanelOutputs * sizeof(float);
    for (int64_t o = 0; o < width; ++o) {
      int8_t block[kBlockInputs] = {};
      reinterpret_cast<float*>(panel)[o] = linear::RoundInt8Block(rows + o * inputs + begin, count, block);
      const int64_t steps = (count + 3) / 4;
      for (int64_t step = 0; step < steps; ++step) {
        uint32_t four;
        std::memcpy(&four, block + 4 * step, sizeof(four));
        four ^= 0x80808080u;  // + 128 in each byte.
        std::memcpy(codes + (step * kPanelOutputs + o) * 4, &four, sizeof(four));
      }
    }
    panel = codes + (count + 3) / 4 * 4 * kPanelOutputs;
  }
}

}  // namespace

int64_t PanelSteps(int64_t inputs, DType compute) {
  const int64_t inputs_a_step = compute == DType::kF32 ? 1 : compute == DType::kI8 ? 4 : 2;
  return (inputs + inputs_a_step - 1) / inputs_a_step;
}

int64_t PanelBytes(int64_t inputs, DType compute) {
  const int64_t step = compute == DType::kF8E4m3 ? 2 * kPanelOutputs : 4 * kPanelOutputs;
  const int64_t scales = compute == DType::kI8 ? linear::BlocksOf(inputs) * kPanelOutputs * 4 : 0;
  const int64_t steps = PanelSteps(inputs, compute);
  const bool padded = compute == DType::kBf16 || compute == DType::kI8;
  return (padded ? linear::PaddedSteps(steps) : steps) * step + scales;
}

void PackPanels(const WeightView& view, DType compute, void* panels) {
  const int64_t panel_bytes = PanelBytes(view.cols, compute);
  std::vector<float> rows(compute == DType::kF8E4m3 ? 0 : kPanelOutputs * view.cols);
  for (int64_t first = 0; first < view.rows; first += kPanelOutputs) {
    char* panel = static_cast<char*>(panels) + first / kPanelOutputs * panel_bytes;
    const int64_t width = std::min<int64_t>(kPanelOutputs, view.rows - first);
    if (compute == DType::kF8E4m3) {
      PackFp8Panel(view, first, width, panel);
      continue;
    }
    if (compute == DType::kBf16 && view.dtype == DType::kBf16) {
      PackBf16Pairs(view, first, width, panel);
      continue;
    }
    for (int64_t o = 0; o < width; ++o) DequantizeRow(view, first + o, rows.data() + o * view.cols);
    if (compute == DType::kF32) {
      PackPanel(rows.data(), width, view.cols, panel, [](auto... place) { PutF32(place...); });
    } else if (compute == DType::kBf16) {
      PackPanel(rows.data(), width, view.cols, panel, [](auto... place) { PutBf16(place...); });
    } else {
      PackInt8Panel(rows.data(), width, view.cols, panel);
    }
  }
}

int64_t Fp8TableCount(const WeightView& view) {
  const int64_t row_blocks = (view.first_row % kBlockInputs + view.rows + kBlockInputs - 1) / kBlockInputs;
  return row_blocks * linear::BlocksOf(view.cols);
}

void FillFp8Tables(const WeightView& view, Bf16* tables) {
  const int64_t columns = linear::BlocksOf(view.cols);
  const float* scales = view.scale + view.first_row / kBlockInputs * view.scale_stride;
  for (int64_t table = 0; table < Fp8TableCount(view); ++table) {
    const float scale = scales[table / columns * view.scale_stride + table % columns];
    for (int code = 0; code < 128; ++code) tables[table * 128 + code] = F32ToBf16(F8E4m3ToF32(static_cast<uint8_t>(code)) * scale);
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
