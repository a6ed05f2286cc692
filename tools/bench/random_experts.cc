#include "tools/bench/random_experts.h"

#include <numeric>
#include <random>
#include <vector>

#include "base/status_macros.h"
#include "kernels/cuda/base/device.h"
#include "model/cuda/device_status.h"
#include "model/cuda/upload_matrix.h"

namespace baleen {
namespace {

absl::Status UploadRandom(const MatrixPlace& place, std::mt19937& random) {
  std::vector<Bf16> values(static_cast<size_t>(place.rows * place.cols));
  for (Bf16& value : values) value = F32ToBf16(static_cast<float>(random() % 2001) * 1e-5f - 0.01f);
  return UploadMatrix({.data = values.data(), .dtype = DType::kBf16, .rows = place.rows, .cols = place.cols}, place);
}

absl::Status Copy(const MatrixPlace& from, const MatrixPlace& to) {
  const auto copy = [](void* out, const void* in, int64_t bytes) { return FromDevice(cuda::CopyNow(out, in, static_cast<size_t>(bytes))); };
  if (from.scales != nullptr) {
    const int64_t blocks = (from.rows + 127) / 128 * ((from.cols + 127) / 128);
    RETURN_IF_ERROR(copy(to.scales, from.scales, blocks * static_cast<int64_t>(sizeof(float))));
  }
  return copy(to.data, from.data, from.rows * from.cols * static_cast<int64_t>(SizeOf(from.type)));
}

}  // namespace

// One expert's values serve all, each in memory of its own.
absl::StatusOr<std::shared_ptr<RandomExperts>> RandomExperts::Make(const ExpertFormat& format, int count, int64_t max_slots) {
  ASSIGN_OR_RETURN(const std::shared_ptr<ExpertSlab> slab, ExpertSlab::Allocate(format, count));
  std::mt19937 random(7);
  for (const MatrixPlace& place : {slab->GatePlace(0), slab->UpPlace(0), slab->DownPlace(0)}) RETURN_IF_ERROR(UploadRandom(place, random));
  for (int expert = 1; expert < count; ++expert) {
    RETURN_IF_ERROR(Copy(slab->GatePlace(0), slab->GatePlace(expert)));
    RETURN_IF_ERROR(Copy(slab->UpPlace(0), slab->UpPlace(expert)));
    RETURN_IF_ERROR(Copy(slab->DownPlace(0), slab->DownPlace(expert)));
  }
  std::shared_ptr<RandomExperts> experts(new RandomExperts());
  experts->layer_.stacks = {{slab, 0}};
  experts->layer_.groups = count;
  experts->layer_.group_of_expert.resize(static_cast<size_t>(count));
  std::iota(experts->layer_.group_of_expert.begin(), experts->layer_.group_of_expert.end(), 0);
  ASSIGN_OR_RETURN(experts->lane_, ExpertLane::Create(format, max_slots));
  return experts;
}

absl::Status RandomExperts::Compute(int, absl::Span<const ExpertSlot> slots) const {
  std::lock_guard lock(mu_);
  return lane_->Compute(layer_, slots);
}

}  // namespace baleen
