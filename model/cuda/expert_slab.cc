#include "model/cuda/expert_slab.h"

#include <algorithm>
#include <cstddef>

#include "absl/strings/str_cat.h"
#include "base/status_macros.h"
#include "kernels/cuda/base/quantize_row.h"
#include "model/cuda/device_status.h"
#include "model/cuda/rounding.h"

namespace baleen {
namespace {

constexpr int64_t kWidthStep = 16;  // Bytes that every row is a multiple of; 8 values for BF16.

absl::Status Take(int64_t bytes, cuda::DeviceMemory* memory) {
  if (bytes == 0) return absl::OkStatus();
  return HasRoom(cuda::DeviceMemory::Allocate(static_cast<size_t>(bytes), memory), bytes, "of experts on the device");
}

}  // namespace

absl::StatusOr<ExpertFormat> ExpertFormat::Of(const ModelConfig& config, DType type) {
  const int64_t step = kWidthStep / static_cast<int64_t>(SizeOf(type));
  if (config.hidden_size % step != 0) {
    return absl::InvalidArgumentError(
        absl::StrCat("hidden_size ", config.hidden_size, ": experts on the device take multiples of ", step, " in ", NameOf(type)));
  }
  return ExpertFormat{type, config.hidden_size, RoundUp(config.moe_intermediate_size, cuda::kScaleBlock)};
}

int64_t ExpertFormat::gate_up_scales() const { return type == DType::kF8E4m3 ? ScaleBlocks(2 * inner) * ScaleBlocks(hidden) : 0; }

int64_t ExpertFormat::down_scales() const { return type == DType::kF8E4m3 ? ScaleBlocks(hidden) * ScaleBlocks(inner) : 0; }

int64_t ExpertFormat::bytes() const {
  return gate_up_bytes() + down_bytes() + (gate_up_scales() + down_scales()) * static_cast<int64_t>(sizeof(float));
}

absl::StatusOr<std::shared_ptr<ExpertSlab>> ExpertSlab::Allocate(const ExpertFormat& format, int experts) {
  std::shared_ptr<ExpertSlab> slab(new ExpertSlab(format, experts));
  RETURN_IF_ERROR(baleen::Take(experts * format.gate_up_bytes(), &slab->gate_up_));
  RETURN_IF_ERROR(baleen::Take(experts * format.down_bytes(), &slab->down_));
  const int64_t scale = sizeof(float);
  RETURN_IF_ERROR(baleen::Take(experts * format.gate_up_scales() * scale, &slab->gate_up_scales_));
  RETURN_IF_ERROR(baleen::Take(experts * format.down_scales() * scale, &slab->down_scales_));
  return slab;
}

int ExpertSlab::Take() {
  std::lock_guard lock(mu_);
  const auto free = std::find(taken_.begin(), taken_.end(), false);
  if (free == taken_.end()) return -1;
  *free = true;
  return static_cast<int>(free - taken_.begin());
}

void ExpertSlab::Give(int place) {
  std::lock_guard lock(mu_);
  taken_[static_cast<size_t>(place)] = false;
}

MatrixPlace ExpertSlab::HalfPlace(int place, int half) const {
  MatrixPlace matrix{format_.type, format_.inner, format_.hidden, nullptr, nullptr};
  matrix.data = gate_up_.As<std::byte>() + place * format_.gate_up_bytes() + half * format_.gate_up_bytes() / 2;
  if (format_.gate_up_scales() > 0) {
    matrix.scales = gate_up_scales_.As<float>() + place * format_.gate_up_scales() + half * format_.gate_up_scales() / 2;
  }
  return matrix;
}

MatrixPlace ExpertSlab::DownPlace(int place) const {
  MatrixPlace matrix{format_.type, format_.hidden, format_.inner, nullptr, nullptr};
  matrix.data = down_.As<std::byte>() + place * format_.down_bytes();
  if (format_.down_scales() > 0) matrix.scales = down_scales_.As<float>() + place * format_.down_scales();
  return matrix;
}

}  // namespace baleen
