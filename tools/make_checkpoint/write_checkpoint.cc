#include "tools/make_checkpoint/write_checkpoint.h"

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <memory>
#include <system_error>
#include <vector>

#include "absl/strings/str_cat.h"
#include "base/status_macros.h"
#include "tools/logits/safetensors_stream.h"
#include "tools/make_checkpoint/byte_tokenizer.h"
#include "tools/make_checkpoint/random_fill.h"
#include "tools/make_checkpoint/shapes.h"
#include "tools/make_checkpoint/tensor_plan.h"

namespace baleen {
namespace {

constexpr int64_t kChunkElements = int64_t{1} << 20;

absl::Status WriteText(const std::string& path, const std::string& text) {
  std::ofstream file(path, std::ios::binary | std::ios::trunc);
  file << text;
  file.close();
  return file.fail() ? absl::UnavailableError(absl::StrCat("writing ", path, " failed")) : absl::OkStatus();
}

absl::Status PrepareDirectory(const std::string& directory) {
  std::error_code error;
  std::filesystem::create_directories(directory, error);
  if (error) return absl::UnavailableError(absl::StrCat("cannot make ", directory, ": ", error.message()));
  for (const char* name : {"config.json", "model.safetensors"}) {
    const std::string path = absl::StrCat(directory, "/", name);
    if (std::filesystem::exists(path, error)) return absl::AlreadyExistsError(absl::StrCat(path, " is already there"));
  }
  return absl::OkStatus();
}

absl::Status WriteTensors(const std::vector<PlannedTensor>& tensors, uint64_t seed, const std::string& path,
                          const std::function<void(int64_t, int64_t)>& progress) {
  std::vector<TensorSpec> specs;
  for (const PlannedTensor& tensor : tensors) specs.push_back({tensor.name, tensor.dtype, tensor.shape});
  ASSIGN_OR_RETURN(const std::unique_ptr<SafetensorsStream> stream, SafetensorsStream::Create(path, specs));
  const RandomFill fill(seed);
  const int64_t total = TotalBytes(tensors);
  std::vector<std::byte> chunk(static_cast<size_t>(kChunkElements) * sizeof(float));
  int64_t written = 0;
  for (const PlannedTensor& tensor : tensors) {
    const int64_t elements = tensor.Elements();
    for (int64_t first = 0; first < elements; first += kChunkElements) {
      const int64_t count = std::min(kChunkElements, elements - first);
      const int64_t bytes = count * static_cast<int64_t>(SizeOf(tensor.dtype));
      fill.Fill(tensor, first, count, chunk.data());
      stream->Append(chunk.data(), bytes);
      written += bytes;
      if (progress) progress(written, total);
    }
  }
  return stream->Close();
}

}  // namespace

absl::Status WriteCheckpoint(const ModelConfig& config, uint64_t seed, const std::string& directory,
                             const std::function<void(int64_t, int64_t)>& progress) {
  RETURN_IF_ERROR(PrepareDirectory(directory));
  RETURN_IF_ERROR(WriteTensors(PlanTensors(config), seed, directory + "/model.safetensors", progress));
  RETURN_IF_ERROR(WriteText(directory + "/tokenizer.json", ByteTokenizerJson()));
  RETURN_IF_ERROR(WriteText(directory + "/tokenizer_config.json", ByteTokenizerConfigJson()));
  return WriteText(directory + "/config.json", ConfigJson(config));
}

}  // namespace baleen
