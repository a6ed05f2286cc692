// A step's rows in a GPU's memory, at addresses that stay, so that recorded graphs find them.
#ifndef BALEEN_SERVICES_ATTENTION_ENGINE_CUDA_BATCH_H_
#define BALEEN_SERVICES_ATTENTION_ENGINE_CUDA_BATCH_H_

#include <cstdint>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "kernels/cuda/base/device.h"
#include "model/cuda/device_mla.h"
#include "services/attention/engine/step_plan.h"
#include "services/kv/cache/block_pool.h"

namespace baleen {

// One step's at a time. Page 64 b .. of a sequence is block id * layers: the pages of one layer lie that far apart, so that one table
// serves all layers.
class CudaBatch {
 public:
  // For the rank whose pages KvRows finds.
  static absl::StatusOr<CudaBatch> Allocate(int64_t max_rows, int rank);

  // Enqueues the upload of `plan`, whose blocks are of `kv`. The last upload is over. `rows` >= the plan's: copies of its first row fill
  // them up, each with a place of its own among the rows that want logits, which are then all rows.
  absl::Status Upload(const StepPlan& plan, BlockPool& kv, int64_t rows, cuda::Stream stream);
  // Launches are sized for positions up to this one, which changes no bit.
  void SetLargestPosition(int64_t position) { largest_position_ = position; }

  int64_t rows() const { return rows_; }
  int64_t largest_position() const { return largest_position_; }
  int64_t generation() const { return generation_; }  // Changes when the arrays move.
  const int32_t* tokens() const { return Column(0); }
  // For each row its place among the rows that want logits, or -1.
  const int32_t* logits_slots() const { return Column(3); }
  // The rows as they attend to a layer's pages.
  DeviceKvRows KvRows(BlockPool& kv, int layer) const;

 private:
  CudaBatch(int64_t max_rows, int rank) : max_rows_(max_rows), rank_(rank) {}
  absl::Status Reserve(int64_t blocks);
  const int32_t* Column(int64_t column) const { return device_.As<int32_t>() + column * max_rows_; }

  int64_t max_rows_;
  int rank_;
  int64_t rows_ = 0;
  int64_t largest_position_ = 0;
  int64_t block_room_ = 0;
  int64_t generation_ = 0;
  cuda::PinnedMemory host_;    // Tokens, positions, first blocks, logits slots, [max_rows] each; blocks [block_room].
  cuda::DeviceMemory device_;  // The same.
};

}  // namespace baleen

#endif  // BALEEN_SERVICES_ATTENTION_ENGINE_CUDA_BATCH_H_
