#include "model/cuda/upload_matrix.h"

#include <algorithm>
#include <cstddef>
#include <cstring>
#include <vector>

#include "base/status_macros.h"
#include "kernels/cuda/base/device.h"
#include "kernels/cuda/base/quantize_row.h"
#include "kernels/linear_pack.h"
#include "kernels/quantize.h"
#include "model/cuda/device_status.h"
#include "model/cuda/rounding.h"

namespace baleen {
namespace {

int64_t StrideOf(const WeightView& view) { return view.row_stride != 0 ? view.row_stride : view.cols; }

absl::Status Copy(void* to, const void* from, int64_t bytes) { return FromDevice(cuda::CopyNow(to, from, static_cast<size_t>(bytes))); }

bool LiesAsIs(const WeightView& view, const MatrixPlace& place) {
  return view.dtype == place.type && view.rows == place.rows && view.cols == place.cols && StrideOf(view) == view.cols;
}

// The view's rows in the place's shape and type, which is the view's or BF16.
std::vector<std::byte> Padded(const WeightView& view, const MatrixPlace& place) {
  const size_t size = SizeOf(place.type);
  const size_t row_bytes = static_cast<size_t>(place.cols) * size;
  std::vector<std::byte> bytes(static_cast<size_t>(place.rows) * row_bytes);
  std::vector<float> values(static_cast<size_t>(view.cols));
  for (int64_t row = 0; row < view.rows; ++row) {
    std::byte* const to = bytes.data() + static_cast<size_t>(row) * row_bytes;
    if (view.dtype == place.type) {
      const auto* const from = static_cast<const std::byte*>(view.data) + static_cast<size_t>(row * StrideOf(view)) * size;
      std::memcpy(to, from, static_cast<size_t>(view.cols) * size);
      continue;
    }
    DequantizeRow(view, row, values.data());
    std::transform(values.begin(), values.end(), reinterpret_cast<Bf16*>(to), F32ToBf16);
  }
  return bytes;
}

absl::Status UploadScales(const WeightView& view, const MatrixPlace& place) {
  const int64_t rows = ScaleBlocks(view.rows);
  const int64_t cols = ScaleBlocks(view.cols);
  if (rows != ScaleBlocks(place.rows) || cols != ScaleBlocks(place.cols) || view.first_row % cuda::kScaleBlock != 0) {
    return absl::InvalidArgumentError("a matrix whose blocks of 128 x 128 are not those of its place");
  }
  const float* const first = view.scale + view.first_row / cuda::kScaleBlock * view.scale_stride;
  std::vector<float> scales(static_cast<size_t>(rows * cols));
  for (int64_t row = 0; row < rows; ++row) std::copy_n(first + row * view.scale_stride, cols, scales.begin() + row * cols);
  return Copy(place.scales, scales.data(), rows * cols * static_cast<int64_t>(sizeof(float)));
}

}  // namespace

absl::Status UploadMatrix(const WeightView& view, const MatrixPlace& place) {
  if (view.rows > place.rows || view.cols > place.cols) return absl::InvalidArgumentError("a matrix greater than its place");
  if (place.type == DType::kF8E4m3 && view.dtype != DType::kF8E4m3) return UploadMatrix(QuantizeFp8(view).view, place);
  if (place.type == DType::kF8E4m3) RETURN_IF_ERROR(UploadScales(view, place));
  const int64_t bytes = place.rows * place.cols * static_cast<int64_t>(SizeOf(place.type));
  if (LiesAsIs(view, place)) return Copy(place.data, view.data, bytes);
  return Copy(place.data, Padded(view, place).data(), bytes);
}

}  // namespace baleen
