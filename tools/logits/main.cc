// //tools:logits: writes the logits of a token sequence. Exit codes: 0 done, 1 failed, 2 wrong arguments.
#include <algorithm>
#include <iostream>
#include <string>
#include <thread>

#include "absl/flags/flag.h"
#include "absl/flags/parse.h"
#include "absl/flags/usage.h"
#include "services/common/device_flags.h"
#include "tools/logits/logits_run.h"
#include "tools/logits/token_list.h"

ABSL_FLAG(std::string, model, "", "directory of a Hugging Face checkpoint");
ABSL_FLAG(std::string, tokens, "", "token ids: 1,2,3 or @file");
ABSL_FLAG(std::string, dtype, "f32", "f32, bf16, int8 or fp8; on a GPU bf16, fp8 or auto");
ABSL_FLAG(std::string, out, "", "safetensors file to write: tensor logits, F32 [tokens, vocab]");
ABSL_FLAG(int, threads, 0, "compute threads; 0 = one a core");
ABSL_FLAG(int64_t, chunk, 256, "tokens of one step");

namespace {

int Fail(int code, const std::string& message) {
  std::cerr << "logits: " << message << "\n";
  return code;
}

}  // namespace

int main(int argc, char** argv) {
  absl::SetProgramUsageMessage("logits --model DIR --tokens 1,2,3|@file [--dtype f32|bf16|int8|fp8] [--device cpu|cuda] --out FILE");
  if (absl::ParseCommandLine(argc, argv).size() > 1) return Fail(2, "takes flags only; see --help");
  baleen::LogitsRun run;
  run.model = absl::GetFlag(FLAGS_model);
  run.out = absl::GetFlag(FLAGS_out);
  run.chunk = absl::GetFlag(FLAGS_chunk);
  run.threads = absl::GetFlag(FLAGS_threads);
  if (run.threads == 0) run.threads = static_cast<int>(std::max(1u, std::thread::hardware_concurrency()));
  if (run.model.empty()) return Fail(2, "--model is missing");
  if (run.out.empty()) return Fail(2, "--out is missing");
  const absl::StatusOr<baleen::Device> device = baleen::DeviceFromFlags();
  if (!device.ok()) return Fail(2, std::string(device.status().message()));
  run.device = *device;
  run.dtype = absl::GetFlag(FLAGS_dtype);
  absl::StatusOr<std::vector<int32_t>> tokens = baleen::ParseTokenList(absl::GetFlag(FLAGS_tokens));
  if (!tokens.ok()) return Fail(2, "--tokens: " + std::string(tokens.status().message()));
  run.tokens = *std::move(tokens);

  const absl::Status status = baleen::RunLogits(run);
  return status.ok() ? 0 : Fail(absl::IsInvalidArgument(status) ? 2 : 1, std::string(status.message()));
}
