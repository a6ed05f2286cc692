#include "services/common/device_flags.h"

#include <string>

#include "absl/flags/flag.h"
#include "absl/strings/str_cat.h"
#include "kernels/cuda/base/device.h"

ABSL_FLAG(std::string, device, "cpu", "what computes: cpu, cuda (a GPU), or cuda-emulated (a GPU's kernels on the CPU, slowly, for tests)");

namespace baleen {

absl::StatusOr<Device> ParseDevice(std::string_view name) {
  if (name == "cpu") return Device::kCpu;
  if (name == "cuda-emulated") {
    if (cuda::DeviceIsEmulated()) return Device::kCudaEmulated;
    return absl::InvalidArgumentError("--device=cuda-emulated: this build has CUDA; builds without it have the emulation");
  }
  if (name != "cuda") {
    return absl::InvalidArgumentError(absl::StrCat("--device=", std::string(name), ": expected cpu, cuda or cuda-emulated"));
  }
  if (cuda::DeviceIsEmulated()) {
    return absl::InvalidArgumentError("--device=cuda: this build has no CUDA; 'make build CUDA=1' makes one that has");
  }
  if (const std::string problem = cuda::DeviceProblem(); !problem.empty()) {
    return absl::FailedPreconditionError(absl::StrCat("--device=cuda: ", problem));
  }
  return Device::kCuda;
}

absl::StatusOr<Device> DeviceFromFlags() { return ParseDevice(absl::GetFlag(FLAGS_device)); }

}  // namespace baleen
