// //tools:make_checkpoint: writes a Hugging Face directory of random weights. Exit codes: 0 done, 1 failed, 2 wrong arguments.
#include <unistd.h>

#include <cstdint>
#include <iostream>
#include <string>

#include "absl/flags/flag.h"
#include "absl/flags/parse.h"
#include "absl/flags/usage.h"
#include "tools/make_checkpoint/shapes.h"
#include "tools/make_checkpoint/write_checkpoint.h"

ABSL_FLAG(std::string, shape, "small", "small, mid or v3-slice");
ABSL_FLAG(uint64_t, seed, 1, "of the random weights");
ABSL_FLAG(bool, fp8, false, "projections as FP8 E4M3 with scales of 128x128 blocks; BF16 otherwise");
ABSL_FLAG(int64_t, experts, 0,
          "routed experts of a MoE layer; 0 = the shape's own (v3-slice: as many as fill half of this machine's memory)");
ABSL_FLAG(std::string, out, "", "directory to make");

namespace {

int Fail(int code, const std::string& message) {
  std::cerr << "make_checkpoint: " << message << "\n";
  return code;
}

int64_t HalfOfMemory() { return static_cast<int64_t>(sysconf(_SC_PHYS_PAGES)) * static_cast<int64_t>(sysconf(_SC_PAGESIZE)) / 2; }

// A line for each tenth.
void ShowProgress(int64_t written, int64_t total) {
  static int64_t shown = 0;
  const int64_t tenth = written * 10 / total;
  if (tenth == shown) return;
  shown = tenth;
  std::cerr << "make_checkpoint: " << tenth * 10 << "% of " << (total >> 20) << " MiB\n";
}

}  // namespace

int main(int argc, char** argv) {
  absl::SetProgramUsageMessage("make_checkpoint --shape small|mid|v3-slice [--seed N] [--fp8] [--experts N] --out DIR");
  if (absl::ParseCommandLine(argc, argv).size() > 1) return Fail(2, "takes flags only; see --help");
  const std::string shape = absl::GetFlag(FLAGS_shape), out = absl::GetFlag(FLAGS_out);
  const bool fp8 = absl::GetFlag(FLAGS_fp8);
  if (out.empty()) return Fail(2, "--out is missing");
  int64_t experts = absl::GetFlag(FLAGS_experts);
  if (experts == 0 && shape == "v3-slice") experts = baleen::ExpertsThatFit(HalfOfMemory(), fp8);
  const absl::StatusOr<baleen::ModelConfig> config = baleen::ShapeNamed(shape, experts, fp8);
  if (!config.ok()) return Fail(2, std::string(config.status().message()));
  const absl::Status status = baleen::WriteCheckpoint(*config, absl::GetFlag(FLAGS_seed), out, ShowProgress);
  return status.ok() ? 0 : Fail(1, std::string(status.message()));
}
