#include "model/checkpoint/checkpoint.h"

#include <sys/stat.h>

#include <algorithm>
#include <cmath>
#include <cstring>
#include <map>
#include <mutex>
#include <optional>
#include <thread>
#include <unordered_map>
#include <utility>

#include "absl/status/status.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "base/file_descriptor.h"
#include "base/status_macros.h"
#include "model/checkpoint/digest.h"
#include "model/checkpoint/safetensors.h"
#include "model/config/json_fields.h"

namespace baleen {
namespace {

constexpr int64_t kMaxIndexBytes = int64_t{256} << 20;
constexpr size_t kMaxShards = 4096;
constexpr int64_t kFp8Block = 128;

absl::Status TensorError(const std::string& file, const std::string& name, const std::string& problem) {
  return absl::InvalidArgumentError(absl::StrCat(file, ": tensor ", name, ": ", problem));
}

std::string Render(const std::vector<int64_t>& shape) { return absl::StrCat("[", absl::StrJoin(shape, ", "), "]"); }

std::optional<DType> ParseDType(const std::string& name) {
  for (const DType type : {DType::kF32, DType::kBf16, DType::kF8E4m3}) {
    if (name == NameOf(type)) return type;
  }
  return std::nullopt;
}

std::vector<float> ToF32(const TensorRef& tensor) {
  std::vector<float> values(static_cast<size_t>(tensor.bytes) / SizeOf(tensor.dtype));
  if (tensor.dtype == DType::kF32) {
    if (!values.empty()) std::memcpy(values.data(), tensor.data, static_cast<size_t>(tensor.bytes));
    return values;
  }
  for (size_t i = 0; i < values.size(); ++i) {
    Bf16 bits;
    std::memcpy(&bits, tensor.data + i * sizeof(bits), sizeof(bits));
    values[i] = Bf16ToF32(bits);
  }
  return values;
}

}  // namespace

struct Checkpoint::Impl {
  struct Location {
    const SafetensorsFile* file = nullptr;
    const SafetensorsEntry* entry = nullptr;
  };
  // A tensor that was asked for.
  struct Use {
    TensorRef tensor;
    std::vector<float> scale;  // The scale as F32, when it is stored otherwise or misaligned.
    std::optional<uint64_t> digest;
  };

  std::string source;  // The single file or the index: what an absent tensor is absent from.
  std::string config;  // FileIdentity of config.json, empty without one.
  std::vector<std::unique_ptr<SafetensorsFile>> files;
  std::unordered_map<std::string, Location> tensors;

  mutable std::mutex mutex;
  std::map<std::string, Use> used;  // Guarded by mutex; nodes stay where they are, so their buffers do.
  int64_t bytes_read = 0;           // Guarded by mutex.
  // By thread, asked for since its TakeRecent, once or more. Guarded by mutex.
  std::unordered_map<std::thread::id, std::vector<std::string>> recent;

  absl::Status OpenSingle(const std::string& path);
  absl::Status OpenShards(const std::string& directory);
  absl::StatusOr<const SafetensorsFile*> OpenShard(const std::string& directory, const std::string& shard);
  absl::StatusOr<Use*> GetUse(const std::string& name, const std::vector<int64_t>& shape);
  absl::StatusOr<const float*> GetScale(const std::string& name, int64_t rows, int64_t cols);
};

absl::Status Checkpoint::Impl::OpenSingle(const std::string& path) {
  ASSIGN_OR_RETURN(std::unique_ptr<SafetensorsFile> file, SafetensorsFile::Open(path));
  source = path;
  for (const auto& [name, entry] : file->entries()) tensors[name] = {file.get(), &entry};
  files.push_back(std::move(file));
  return absl::OkStatus();
}

absl::StatusOr<const SafetensorsFile*> Checkpoint::Impl::OpenShard(const std::string& directory, const std::string& shard) {
  if (shard.empty() || shard.front() == '.' || absl::StrContains(shard, '/') || absl::StrContains(shard, '\0')) {
    return absl::InvalidArgumentError(absl::StrCat(source, ": weight_map: '", shard, "' is not the name of a file beside it"));
  }
  if (files.size() == kMaxShards)
    return absl::InvalidArgumentError(absl::StrCat(source, ": weight_map: more than ", kMaxShards, " shards"));
  absl::StatusOr<std::unique_ptr<SafetensorsFile>> file = SafetensorsFile::Open(absl::StrCat(directory, "/", shard));
  if (absl::IsNotFound(file.status())) {
    return absl::InvalidArgumentError(absl::StrCat(source, ": names shard ", shard, ": ", file.status().message()));
  }
  RETURN_IF_ERROR(file.status());
  files.push_back(*std::move(file));
  return files.back().get();
}

absl::Status Checkpoint::Impl::OpenShards(const std::string& directory) {
  source = absl::StrCat(directory, "/model.safetensors.index.json");
  ASSIGN_OR_RETURN(JsonFields fields, JsonFields::Load(source, kMaxIndexBytes));
  std::vector<std::pair<std::string, std::string>> weight_map;
  if (!fields.StringMap("weight_map", &weight_map)) fields.Fail("weight_map", "is missing");
  RETURN_IF_ERROR(fields.status());
  std::unordered_map<std::string, const SafetensorsFile*> shards;
  for (const auto& [name, shard] : weight_map) {
    auto found = shards.find(shard);
    if (found == shards.end()) {
      ASSIGN_OR_RETURN(const SafetensorsFile* file, OpenShard(directory, shard));
      found = shards.emplace(shard, file).first;
    }
    const SafetensorsEntry* entry = found->second->Find(name);
    if (entry == nullptr) return TensorError(found->second->path(), name, absl::StrCat("is missing, though ", source, " names it there"));
    tensors[name] = {found->second, entry};
  }
  return absl::OkStatus();
}

absl::StatusOr<Checkpoint::Impl::Use*> Checkpoint::Impl::GetUse(const std::string& name, const std::vector<int64_t>& shape) {
  const auto found = tensors.find(name);
  if (found == tensors.end()) return absl::NotFoundError(absl::StrCat(source, ": tensor ", name, ": is missing"));
  const auto [file, entry] = found->second;
  if (entry->shape != shape) {
    return TensorError(file->path(), name, absl::StrCat("has shape ", Render(entry->shape), ", expected ", Render(shape)));
  }
  const std::optional<DType> dtype = ParseDType(entry->dtype);
  if (!dtype) return TensorError(file->path(), name, absl::StrCat("has dtype ", entry->dtype, ", expected F32, BF16 or F8_E4M3"));

  const std::lock_guard lock(mutex);
  recent[std::this_thread::get_id()].push_back(name);
  const auto [use, first] = used.try_emplace(name);
  if (!first) return &use->second;
  TensorRef& tensor = use->second.tensor;
  tensor = {name, file->path(), *dtype, shape, file->Data(*entry), entry->end - entry->begin};
  bytes_read += tensor.bytes;
  return &use->second;
}

absl::StatusOr<const float*> Checkpoint::Impl::GetScale(const std::string& name, int64_t rows, int64_t cols) {
  ASSIGN_OR_RETURN(Use* const use, GetUse(name, {(rows + kFp8Block - 1) / kFp8Block, (cols + kFp8Block - 1) / kFp8Block}));
  const TensorRef& tensor = use->tensor;
  if (tensor.dtype == DType::kF8E4m3) return TensorError(tensor.file, name, "has dtype F8_E4M3, expected F32 or BF16");
  const float* scale = reinterpret_cast<const float*>(tensor.data);
  if (tensor.dtype != DType::kF32 || reinterpret_cast<uintptr_t>(tensor.data) % sizeof(float) != 0) {
    const std::lock_guard lock(mutex);
    if (use->scale.empty()) use->scale = ToF32(tensor);
    scale = use->scale.data();
  }
  const int64_t count = tensor.bytes / static_cast<int64_t>(SizeOf(tensor.dtype));
  for (int64_t i = 0; i < count; ++i) {
    if (!std::isfinite(scale[i]) || scale[i] < 0) return TensorError(tensor.file, name, absl::StrCat("scale ", i, " is ", scale[i]));
  }
  return scale;
}

Checkpoint::Checkpoint(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
Checkpoint::~Checkpoint() = default;

absl::StatusOr<std::unique_ptr<Checkpoint>> Checkpoint::Open(const std::string& directory) {
  auto impl = std::make_unique<Impl>();
  absl::Status status = impl->OpenSingle(absl::StrCat(directory, "/model.safetensors"));
  if (absl::IsNotFound(status)) {
    status = impl->OpenShards(directory);
    if (absl::IsNotFound(status)) {
      return absl::NotFoundError(absl::StrCat(directory, ": holds neither model.safetensors nor model.safetensors.index.json"));
    }
  }
  RETURN_IF_ERROR(status);
  struct stat config = {};
  if (stat(absl::StrCat(directory, "/config.json").c_str(), &config) == 0) impl->config = FileIdentity(config);
  return std::unique_ptr<Checkpoint>(new Checkpoint(std::move(impl)));
}

bool Checkpoint::Has(const std::string& name) const { return impl_->tensors.count(name) != 0; }

std::vector<std::string> Checkpoint::Names() const {
  std::vector<std::string> names;
  names.reserve(impl_->tensors.size());
  for (const auto& [name, location] : impl_->tensors) names.push_back(name);
  std::sort(names.begin(), names.end());
  return names;
}

absl::StatusOr<TensorRef> Checkpoint::Get(const std::string& name, const std::vector<int64_t>& shape) {
  ASSIGN_OR_RETURN(const Impl::Use* const use, impl_->GetUse(name, shape));
  return use->tensor;
}

absl::StatusOr<WeightView> Checkpoint::GetWeight(const std::string& name, int64_t rows, int64_t cols) {
  ASSIGN_OR_RETURN(const Impl::Use* const use, impl_->GetUse(name, {rows, cols}));
  WeightView view;
  view.data = use->tensor.data;
  view.dtype = use->tensor.dtype;
  view.rows = rows;
  view.cols = cols;
  if (view.dtype == DType::kF8E4m3) {
    ASSIGN_OR_RETURN(view.scale, impl_->GetScale(absl::StrCat(name, "_scale_inv"), rows, cols));
    view.scale_stride = (cols + kFp8Block - 1) / kFp8Block;
  }
  return view;
}

absl::StatusOr<std::vector<float>> Checkpoint::GetVector(const std::string& name, int64_t size) {
  ASSIGN_OR_RETURN(const TensorRef tensor, Get(name, {size}));
  if (tensor.dtype == DType::kF8E4m3) return TensorError(tensor.file, name, "has dtype F8_E4M3, expected F32 or BF16");
  return ToF32(tensor);
}

std::vector<std::string> Checkpoint::TakeRecent() {
  const std::lock_guard lock(impl_->mutex);
  auto recent = impl_->recent.extract(std::this_thread::get_id());
  return recent.empty() ? std::vector<std::string>() : std::move(recent.mapped());
}

void Checkpoint::ReleasePages(const std::vector<std::string>& names) const {
  for (const std::string& name : names) {
    const auto& [file, entry] = impl_->tensors.at(name);
    file->ReleasePages(*entry);
  }
}

std::string Checkpoint::Identity() const {
  std::vector<std::string> files = {impl_->config};
  for (const auto& file : impl_->files) files.push_back(file->identity());
  return absl::StrJoin(files, " ");
}

int64_t Checkpoint::BytesRead() const {
  const std::lock_guard lock(impl_->mutex);
  return impl_->bytes_read;
}

std::vector<TensorDigestEntry> Checkpoint::Digests(const std::vector<std::string>& names) const {
  std::vector<TensorDigestEntry> digests;
  for (const std::string& name : names) {
    std::unique_lock lock(impl_->mutex);
    Impl::Use& use = impl_->used.at(name);
    if (!use.digest) {
      const TensorRef& tensor = use.tensor;  // Does not change any more.
      lock.unlock();
      const uint64_t digest = TensorDigest(tensor.dtype, tensor.shape, tensor.data, tensor.bytes);
      lock.lock();
      use.digest = digest;
    }
    digests.push_back({name, *use.digest});
  }
  return digests;
}

std::vector<TensorDigestEntry> Checkpoint::Digests() const {
  std::vector<std::string> names;
  {
    const std::lock_guard lock(impl_->mutex);
    for (const auto& [name, use] : impl_->used) names.push_back(name);
  }
  return Digests(names);
}

void Checkpoint::SetDigests(const std::vector<TensorDigestEntry>& digests) {
  const std::lock_guard lock(impl_->mutex);
  for (const TensorDigestEntry& entry : digests) {
    const auto use = impl_->used.find(entry.name);
    if (use != impl_->used.end()) use->second.digest = entry.digest;
  }
}

}  // namespace baleen
