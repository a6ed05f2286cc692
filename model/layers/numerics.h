// What decides a result's bits besides the request and the checkpoint.
#ifndef BALEEN_MODEL_LAYERS_NUMERICS_H_
#define BALEEN_MODEL_LAYERS_NUMERICS_H_

#include <string>

#include "base/dtype.h"
#include "kernels/isa.h"

namespace baleen {

struct Numerics {
  DType compute = DType::kBf16;  // kF32 or kBf16: weights, GEMM inputs, KV and the experts' wire.
  Isa isa = Isa::kReference;

  // "cpu-avx512-bf16-r1": device, ISA, dtype and kernel revision. Workers with equal ids give equal bits.
  std::string Id() const;
};

}  // namespace baleen

#endif  // BALEEN_MODEL_LAYERS_NUMERICS_H_
