#include "model/checkpoint/digest.h"

#include <xxhash.h>

#include <cstdlib>
#include <memory>
#include <string>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"

namespace baleen {

uint64_t TensorDigest(DType dtype, const std::vector<int64_t>& shape, const std::byte* data, int64_t bytes) {
  const std::string head = absl::StrCat(NameOf(dtype), "[", absl::StrJoin(shape, ","), "]");
  const std::unique_ptr<XXH3_state_t, decltype(&XXH3_freeState)> state(XXH3_createState(), &XXH3_freeState);
  // Fails only without memory for half a KiB.
  if (state == nullptr || XXH3_64bits_reset(state.get()) != XXH_OK || XXH3_64bits_update(state.get(), head.data(), head.size()) != XXH_OK ||
      XXH3_64bits_update(state.get(), data, static_cast<size_t>(bytes)) != XXH_OK) {
    std::abort();
  }
  return XXH3_64bits_digest(state.get());
}

}  // namespace baleen
