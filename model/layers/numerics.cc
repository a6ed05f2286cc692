#include "model/layers/numerics.h"

#include "absl/strings/str_cat.h"

namespace baleen {
namespace {

// Count changes of kernels or of the forward pass that change bits.
constexpr char kCpuRevision[] = "r2";
constexpr char kCudaRevision[] = "r2";

struct Name {
  std::string_view name;
  DType type;
};

constexpr Name kNames[] = {{"bf16", DType::kBf16}, {"f32", DType::kF32}, {"int8", DType::kI8}, {"fp8", DType::kF8E4m3}};

}  // namespace

std::string Numerics::Id() const {
  std::string id = device == Device::kCpu ? "cpu-" : "cuda-";
  id.append(device == Device::kCpu ? NameOf(isa) : device == Device::kCuda ? "sm90a" : "emulated").append("-");
  for (const Name& known : kNames) {
    if (known.type == compute) id.append(known.name);
  }
  return id.append("-").append(on_gpu() ? kCudaRevision : kCpuRevision);
}

std::optional<DType> ParseComputeDType(std::string_view name) {
  if (name == "auto") return DType::kBf16;
  for (const Name& known : kNames) {
    if (known.name == name) return known.type;
  }
  return std::nullopt;
}

absl::StatusOr<Numerics> ChooseNumerics(Device device, std::string_view dtype, const ModelConfig& config) {
  const std::optional<DType> named = ParseComputeDType(dtype);
  if (!named) return absl::InvalidArgumentError(absl::StrCat("--dtype=", std::string(dtype), ": expected ", kDTypeNames));
  Numerics numerics = {.compute = *named, .isa = BestIsa(), .device = device};
  if (!numerics.on_gpu()) return numerics;
  if (dtype == "auto" && config.fp8) numerics.compute = DType::kF8E4m3;
  if (numerics.compute != DType::kBf16 && numerics.compute != DType::kF8E4m3) {
    return absl::InvalidArgumentError(absl::StrCat("--dtype=", std::string(dtype), ": a GPU computes in bf16 or fp8"));
  }
  return numerics;
}

}  // namespace baleen
