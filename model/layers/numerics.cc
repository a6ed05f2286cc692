#include "model/layers/numerics.h"

namespace baleen {
namespace {

// Counts changes of kernels or of the forward pass that change bits.
constexpr char kRevision[] = "r2";

struct Name {
  std::string_view name;
  DType type;
};

constexpr Name kNames[] = {{"bf16", DType::kBf16}, {"f32", DType::kF32}, {"int8", DType::kI8}, {"fp8", DType::kF8E4m3}};

}  // namespace

std::string Numerics::Id() const {
  std::string id("cpu-");
  id.append(NameOf(isa)).append("-");
  for (const Name& known : kNames) {
    if (known.type == compute) id.append(known.name);
  }
  return id.append("-").append(kRevision);
}

std::optional<DType> ParseComputeDType(std::string_view name) {
  if (name == "auto") return DType::kBf16;
  for (const Name& known : kNames) {
    if (known.name == name) return known.type;
  }
  return std::nullopt;
}

}  // namespace baleen
