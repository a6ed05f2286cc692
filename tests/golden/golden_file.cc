#include "tests/golden/golden_file.h"

#include <cstring>
#include <memory>

#include "absl/strings/str_cat.h"
#include "base/status_macros.h"
#include "model/checkpoint/safetensors.h"

namespace baleen {
namespace {

template <typename T>
absl::StatusOr<std::vector<T>> Read(const SafetensorsFile& file, const std::string& name, const char* dtype, int64_t count) {
  const SafetensorsEntry* entry = file.Find(name);
  if (entry == nullptr || entry->dtype != dtype || (count >= 0 && entry->end - entry->begin != count * static_cast<int64_t>(sizeof(T)))) {
    return absl::InvalidArgumentError(absl::StrCat(file.path(), ": tensor ", name, ": is missing or has the wrong type or size"));
  }
  std::vector<T> values(static_cast<size_t>(entry->end - entry->begin) / sizeof(T));
  std::memcpy(values.data(), file.Data(*entry), values.size() * sizeof(T));
  return values;
}

}  // namespace

absl::StatusOr<Golden> LoadGolden(const std::string& path, int64_t vocab_size) {
  ASSIGN_OR_RETURN(const std::unique_ptr<SafetensorsFile> file, SafetensorsFile::Open(path));
  Golden golden;
  ASSIGN_OR_RETURN(const std::vector<float> distance, Read<float>(*file, "bf16_distance", "F32", 2));
  golden.transformers_bf16 = {distance[0], distance[1]};
  for (int i = 0; file->Find(absl::StrCat("tokens.", i)) != nullptr; ++i) {
    GoldenSequence sequence;
    ASSIGN_OR_RETURN(sequence.tokens, Read<int32_t>(*file, absl::StrCat("tokens.", i), "I32", -1));
    const int64_t count = static_cast<int64_t>(sequence.tokens.size());
    ASSIGN_OR_RETURN(sequence.logits, Read<float>(*file, absl::StrCat("logits.", i), "F32", count * vocab_size));
    ASSIGN_OR_RETURN(sequence.gate_gap, Read<float>(*file, absl::StrCat("gate_gap.", i), "F32", count));
    golden.sequences.push_back(std::move(sequence));
  }
  if (golden.sequences.empty()) return absl::InvalidArgumentError(absl::StrCat(path, ": tensor tokens.0: is missing"));
  return golden;
}

}  // namespace baleen
