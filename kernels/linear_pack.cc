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

const char* RowAt(const WeightView& view, int64_t row) {
  const int64_t stride = view.row_stride != 0 ? view.row_stride : view.cols;
  return static_cast<const char*>(view.data) + row * stride * static_cast<int64_t>(SizeOf(view.dtype));
}

// A panel is a transpose of words: word k of row o has place k * 16 + o. Taken in squares of a cache line: rows may lie a power of two
// apart, where a column of them would not stay in the cache.
template <typename Word>
void TransposeWords(const char* rows, int64_t row_bytes, int64_t width, int64_t words, char* panel) {
  constexpr int64_t kWord = sizeof(Word);
  constexpr int64_t kSquare = 64 / kWord;
  for (int64_t begin = 0; begin < words; begin += kSquare) {
    const int64_t end = std::min(words, begin + kSquare);
    for (int64_t o = 0; o < width; ++o) {
      for (int64_t k = begin; k < end; ++k) std::memcpy(panel + (k * kPanelOutputs + o) * kWord, rows + o * row_bytes + k * kWord, kWord);
    }
  }
}

// Words of two inputs; an odd last one has zeros beside it.
template <typename Word>
void TransposePairs(const char* rows, int64_t row_bytes, int64_t width, int64_t inputs, char* panel) {
  constexpr int64_t kWord = sizeof(Word);
  const int64_t pairs = inputs / 2;
  TransposeWords<Word>(rows, row_bytes, width, pairs, panel);
  for (int64_t o = 0; inputs % 2 != 0 && o < width; ++o) {
    std::memcpy(panel + (pairs * kPanelOutputs + o) * kWord, rows + o * row_bytes + pairs * kWord, kWord / 2);
  }
}

// Outputs [first, first + width) in BF16, from a view of any type.
void PackBf16Panel(const WeightView& view, int64_t first, int64_t width, char* panel) {
  std::vector<float> row(static_cast<size_t>(view.cols));
  std::vector<Bf16> rounded(static_cast<size_t>(width * view.cols));
  for (int64_t o = 0; o < width; ++o) {
    DequantizeRow(view, first + o, row.data());
    std::transform(row.begin(), row.end(), rounded.begin() + o * view.cols, F32ToBf16);
  }
  const int64_t row_bytes = view.cols * static_cast<int64_t>(sizeof(Bf16));
  TransposePairs<uint32_t>(reinterpret_cast<const char*>(rounded.data()), row_bytes, width, view.cols, panel);
}

// BF16 of two inputs for each of `width` outputs.
void WritePairs(const float* first, const float* second, int64_t width, char* line) {
  for (int64_t o = 0; o < width; ++o) {
    const uint32_t pair = F32ToBf16(first[o]) | static_cast<uint32_t>(F32ToBf16(second[o])) << 16;
    std::memcpy(line + o * 4, &pair, sizeof(pair));
  }
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
  const int64_t row_bytes = RowAt(view, 1) - RowAt(view, 0);
  const bool by_floats = compute == DType::kF32 || compute == DType::kI8;
  std::vector<float> rows(by_floats ? static_cast<size_t>(kPanelOutputs * view.cols) : 0);
  for (int64_t first = 0; first < view.rows; first += kPanelOutputs) {
    char* const panel = static_cast<char*>(panels) + first / kPanelOutputs * panel_bytes;
    const int64_t width = std::min<int64_t>(kPanelOutputs, view.rows - first);
    for (int64_t o = 0; by_floats && o < width; ++o) DequantizeRow(view, first + o, rows.data() + o * view.cols);
    if (compute == DType::kF8E4m3) {
      TransposePairs<uint16_t>(RowAt(view, first), row_bytes, width, view.cols, panel);
    } else if (compute == DType::kI8) {
      PackInt8Panel(rows.data(), width, view.cols, panel);
    } else if (compute == DType::kF32) {
      const int64_t float_bytes = view.cols * static_cast<int64_t>(sizeof(float));
      TransposeWords<uint32_t>(reinterpret_cast<const char*>(rows.data()), float_bytes, width, view.cols, panel);
    } else if (view.dtype == DType::kBf16) {
      TransposePairs<uint32_t>(RowAt(view, first), row_bytes, width, view.cols, panel);
    } else {
      PackBf16Panel(view, first, width, panel);
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

// The view's rows are inputs, so a panel's 16 outputs lie side by side there: lines are written whole, a step at a time.
void PackPanelsTransposed(const WeightView& view, DType compute, void* panels) {
  const int64_t panel_bytes = PanelBytes(view.rows, compute);
  const int64_t inputs_a_step = compute == DType::kF32 ? 1 : 2;
  std::vector<float> first(static_cast<size_t>(view.cols)), second(static_cast<size_t>(view.cols));
  for (int64_t k = 0; k < view.rows; k += inputs_a_step) {
    const bool pair = inputs_a_step == 2 && k + 1 < view.rows;
    DequantizeRow(view, k, first.data());
    pair ? DequantizeRow(view, k + 1, second.data()) : std::fill(second.begin(), second.end(), 0.0f);
    for (int64_t output = 0; output < view.cols; output += kPanelOutputs) {
      char* const line = static_cast<char*>(panels) + output / kPanelOutputs * panel_bytes + k / inputs_a_step * kPanelOutputs * 4;
      const int64_t width = std::min<int64_t>(kPanelOutputs, view.cols - output);
      if (compute == DType::kF32) {
        std::memcpy(line, first.data() + output, static_cast<size_t>(width) * sizeof(float));
      } else {
        WritePairs(first.data() + output, second.data() + output, width, line);
      }
    }
  }
}

}  // namespace baleen
