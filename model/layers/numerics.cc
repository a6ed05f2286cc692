#include "model/layers/numerics.h"

namespace baleen {
namespace {

// Counts changes of kernels or of the forward pass that change bits.
constexpr char kRevision[] = "r1";

}  // namespace

std::string Numerics::Id() const {
  return std::string("cpu-").append(NameOf(isa)).append(compute == DType::kF32 ? "-f32-" : "-bf16-").append(kRevision);
}

}  // namespace baleen
