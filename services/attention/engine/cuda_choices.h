// Tokens chosen on the GPU that has their logits.
#ifndef BALEEN_SERVICES_ATTENTION_ENGINE_CUDA_CHOICES_H_
#define BALEEN_SERVICES_ATTENTION_ENGINE_CUDA_CHOICES_H_

#include <cstdint>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "kernels/cuda/base/device.h"
#include "services/attention/engine/token_choices.h"

namespace baleen {

// One step's at a time.
class CudaChoices {
 public:
  static absl::StatusOr<CudaChoices> Allocate(int64_t max_rows);

  // Enqueues the choice from `logits`, F32 [choices.wanted.size(), stride] in the device's memory, of which `vocab_size` a row are ids'.
  // Sets choices.tokens to as many; they are not known before Take. Chooses nothing where none is wanted, or for more ids than the kernel
  // takes.
  absl::Status Enqueue(const float* logits, int64_t stride, int64_t vocab_size, TokenChoices* choices, cuda::Stream stream);
  // The work is over.
  void Take(TokenChoices* choices) const;

 private:
  // The mask of all rows, null when nothing is banned.
  absl::StatusOr<const uint32_t*> UploadMasks(const TokenChoices& choices, int64_t ids, cuda::Stream stream);

  cuda::PinnedMemory ways_host_;    // RowSampling [rows]
  cuda::DeviceMemory ways_;         // The same.
  cuda::PinnedMemory tokens_host_;  // [rows]
  cuda::DeviceMemory tokens_;       // The same.
  cuda::PinnedMemory masks_host_;   // Bits [rows, words of ids]; empty until some id is banned.
  cuda::DeviceMemory masks_;        // The same.
};

}  // namespace baleen

#endif  // BALEEN_SERVICES_ATTENTION_ENGINE_CUDA_CHOICES_H_
