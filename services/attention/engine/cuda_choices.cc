#include "services/attention/engine/cuda_choices.h"

#include <algorithm>
#include <cstddef>
#include <cstring>

#include "base/status_macros.h"
#include "kernels/cuda/sampling/sampling.h"
#include "model/cuda/device_matrix.h"
#include "model/cuda/device_status.h"

namespace baleen {
namespace {

constexpr int64_t kWayBytes = sizeof(cuda::RowSampling);
constexpr int64_t kTokenBytes = sizeof(int32_t);

cuda::RowSampling WayOf(const std::optional<PlainChoice>& wanted) {
  const PlainChoice choice = wanted.value_or(PlainChoice());
  return {choice.temperature, choice.top_p, choice.min_p, choice.top_k, choice.uniform};
}

bool Bans(const std::optional<PlainChoice>& wanted) { return wanted.has_value() && !wanted->banned.empty(); }

}  // namespace

absl::StatusOr<CudaChoices> CudaChoices::Allocate(int64_t max_rows) {
  CudaChoices choices;
  RETURN_IF_ERROR(FromDevice(cuda::PinnedMemory::Allocate(static_cast<size_t>(max_rows * kWayBytes), &choices.ways_host_)));
  ASSIGN_OR_RETURN(choices.ways_, AllocateOnDevice(max_rows * kWayBytes));
  RETURN_IF_ERROR(FromDevice(cuda::PinnedMemory::Allocate(static_cast<size_t>(max_rows * kTokenBytes), &choices.tokens_host_)));
  ASSIGN_OR_RETURN(choices.tokens_, AllocateOnDevice(max_rows * kTokenBytes));
  return choices;
}

absl::StatusOr<const uint32_t*> CudaChoices::UploadMasks(const TokenChoices& choices, int64_t ids, cuda::Stream stream) {
  if (std::none_of(choices.wanted.begin(), choices.wanted.end(), Bans)) return nullptr;
  const int64_t words = (ids + 31) / 32;
  const size_t bytes = choices.wanted.size() * static_cast<size_t>(words) * sizeof(uint32_t);
  if (bytes > masks_.bytes()) {
    RETURN_IF_ERROR(FromDevice(cuda::PinnedMemory::Allocate(bytes, &masks_host_)));
    ASSIGN_OR_RETURN(masks_, AllocateOnDevice(static_cast<int64_t>(bytes)));
  }
  uint32_t* mask = masks_host_.As<uint32_t>();
  std::memset(mask, 0xff, bytes);
  for (const std::optional<PlainChoice>& wanted : choices.wanted) {
    for (const int32_t id : wanted.value_or(PlainChoice()).banned) {
      if (id >= 0 && id < ids) mask[id / 32] &= ~(uint32_t{1} << id % 32);
    }
    mask += words;
  }
  RETURN_IF_ERROR(FromDevice(cuda::CopyAsync(masks_.data(), masks_host_.data(), bytes, stream)));
  return masks_.As<uint32_t>();
}

absl::Status CudaChoices::Enqueue(const float* logits, int64_t stride, int64_t vocab_size, TokenChoices* choices, cuda::Stream stream) {
  const std::vector<std::optional<PlainChoice>>& wanted = choices->wanted;
  if (std::none_of(wanted.begin(), wanted.end(), [](const auto& choice) { return choice.has_value(); })) return absl::OkStatus();
  cuda::SamplingArgs args;
  args.rows = static_cast<int64_t>(wanted.size());
  args.vocabulary = std::min(choices->ids, vocab_size);
  args.logits = logits;
  args.ld = stride;
  args.rows_sampling = ways_.As<cuda::RowSampling>();
  args.tokens = tokens_.As<int32_t>();
  if (!cuda::SamplingProblem(args).empty()) return absl::OkStatus();
  std::transform(wanted.begin(), wanted.end(), ways_host_.As<cuda::RowSampling>(), WayOf);
  RETURN_IF_ERROR(FromDevice(cuda::CopyAsync(ways_.data(), ways_host_.data(), static_cast<size_t>(args.rows * kWayBytes), stream)));
  ASSIGN_OR_RETURN(args.allowed, UploadMasks(*choices, args.vocabulary, stream));
  RETURN_IF_ERROR(FromDevice(cuda::Sample(args, stream)));
  choices->tokens.assign(wanted.size(), -1);
  return FromDevice(cuda::CopyAsync(tokens_host_.data(), tokens_.data(), static_cast<size_t>(args.rows * kTokenBytes), stream));
}

void CudaChoices::Take(TokenChoices* choices) const {
  const int32_t* const tokens = tokens_host_.As<int32_t>();
  std::copy(tokens, tokens + choices->tokens.size(), choices->tokens.begin());
}

}  // namespace baleen
