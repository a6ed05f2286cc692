// Tensors of a Hugging Face directory by name, mapped, not copied.
#ifndef BALEEN_MODEL_CHECKPOINT_CHECKPOINT_H_
#define BALEEN_MODEL_CHECKPOINT_CHECKPOINT_H_

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "base/dtype.h"
#include "kernels/linear.h"

namespace baleen {

// A tensor in a mapped file; `data` lives as long as its Checkpoint; files align it to nothing.
struct TensorRef {
  std::string name;
  std::string file;
  DType dtype = DType::kF32;
  std::vector<int64_t> shape;
  const std::byte* data = nullptr;
  int64_t bytes = 0;
};

struct TensorDigestEntry {
  std::string name;
  uint64_t digest = 0;  // TensorDigest (model/checkpoint/digest.h).
};

// Thread-safe. Errors name file and tensor.
class Checkpoint {
 public:
  // Opens model.safetensors or model.safetensors.index.json with its shards; only headers are read here.
  static absl::StatusOr<std::unique_ptr<Checkpoint>> Open(const std::string& directory);
  ~Checkpoint();

  bool Has(const std::string& name) const;
  std::vector<std::string> Names() const;

  // The tensor, of exactly this shape. Marks its bytes as read, for BytesRead and Digests.
  absl::StatusOr<TensorRef> Get(const std::string& name, const std::vector<int64_t>& shape);

  // `name`, 2-D [rows, cols], with its scale `<stem>.weight_scale_inv` [ceil(rows/128), ceil(cols/128)] when FP8.
  // Refuses NaN, infinite or negative scales.
  absl::StatusOr<WeightView> GetWeight(const std::string& name, int64_t rows, int64_t cols);

  // As F32 values, converted; for norms and biases.
  absl::StatusOr<std::vector<float>> GetVector(const std::string& name, int64_t size);

  // Names of the tensors that this thread asked for since its last call.
  std::vector<std::string> TakeRecent();
  // Gives back the memory that these took; they stay valid, and are read from the files again when they are used.
  void ReleasePages(const std::vector<std::string>& names) const;

  // Names these files as they are now on this host: equal only where nothing was written since.
  std::string Identity() const;

  // Bytes of the tensors that were asked for so far.
  int64_t BytesRead() const;
  // Of these, which were asked for before; each is computed once.
  std::vector<TensorDigestEntry> Digests(const std::vector<std::string>& names) const;
  // Of all tensors that were asked for so far, in name order.
  std::vector<TensorDigestEntry> Digests() const;
  // What another process computed of the same files.
  void SetDigests(const std::vector<TensorDigestEntry>& digests);

 private:
  struct Impl;
  explicit Checkpoint(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace baleen

#endif  // BALEEN_MODEL_CHECKPOINT_CHECKPOINT_H_
