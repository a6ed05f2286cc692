// What two workers compare to know that they hold the same tensor.
#ifndef BALEEN_MODEL_CHECKPOINT_DIGEST_H_
#define BALEEN_MODEL_CHECKPOINT_DIGEST_H_

#include <cstddef>
#include <cstdint>
#include <vector>

#include "base/dtype.h"

namespace baleen {

// XXH3 (64 bits, no seed) over "BF16[576,7168]" (dtype and shape) and then the bytes as stored. Reads every byte. Tells checkpoints that
// were mixed up apart; it is no defence against somebody who may write to them.
uint64_t TensorDigest(DType dtype, const std::vector<int64_t>& shape, const std::byte* data, int64_t bytes);

}  // namespace baleen

#endif  // BALEEN_MODEL_CHECKPOINT_DIGEST_H_
