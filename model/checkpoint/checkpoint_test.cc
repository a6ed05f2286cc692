#include "model/checkpoint/checkpoint.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstring>
#include <filesystem>
#include <fstream>
#include <limits>
#include <map>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"

namespace baleen {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

struct TestTensor {
  std::string name, dtype;
  std::vector<int64_t> shape;
  std::string data;
};

template <typename T>
std::string Bytes(const std::vector<T>& values) {
  return std::string(reinterpret_cast<const char*>(values.data()), values.size() * sizeof(T));
}

void WriteFile(const std::filesystem::path& path, const std::vector<TestTensor>& tensors) {
  std::string header = "{", data;
  for (const TestTensor& tensor : tensors) {
    absl::StrAppend(&header, header.size() > 1 ? "," : "", "\"", tensor.name, "\":{\"dtype\":\"", tensor.dtype, "\",\"shape\":[",
                    absl::StrJoin(tensor.shape, ","), "],\"data_offsets\":[", data.size(), ",", data.size() + tensor.data.size(), "]}");
    data += tensor.data;
  }
  header += "}";
  header.append((8 - header.size() % 8) % 8, ' ');
  const uint64_t length = header.size();
  std::ofstream(path, std::ios::binary) << std::string(reinterpret_cast<const char*>(&length), 8) << header << data;
}

class CheckpointTest : public testing::Test {
 protected:
  CheckpointTest() : directory_(std::filesystem::path(testing::TempDir()) / testing::UnitTest::GetInstance()->current_test_info()->name()) {
    std::filesystem::remove_all(directory_);
    std::filesystem::create_directories(directory_);
  }

  std::unique_ptr<Checkpoint> OpenSingle(const std::vector<TestTensor>& tensors) {
    WriteFile(directory_ / "model.safetensors", tensors);
    auto checkpoint = Checkpoint::Open(directory_);
    EXPECT_TRUE(checkpoint.ok()) << checkpoint.status();
    return *std::move(checkpoint);
  }

  void WriteIndex(const std::string& weight_map) {
    std::ofstream(directory_ / "model.safetensors.index.json") << R"({"metadata": {"total_size": 1}, "weight_map": )" << weight_map << "}";
  }

  std::string OpenError() {
    const absl::Status status = Checkpoint::Open(directory_).status();
    EXPECT_EQ(status.code(), absl::StatusCode::kInvalidArgument) << status;
    return std::string(status.message());
  }

  std::filesystem::path directory_;
};

TestTensor F32(const std::string& name, const std::vector<float>& values) {
  return {name, "F32", {static_cast<int64_t>(values.size())}, Bytes(values)};
}

// A ragged FP8 weight [576, 256] with its scale [5, 2].
std::vector<TestTensor> RaggedFp8(const std::vector<float>& scale, std::vector<int64_t> scale_shape = {5, 2}) {
  return {{"p.weight_scale_inv", "F32", std::move(scale_shape), Bytes(scale)},
          {"p.weight", "F8_E4M3", {576, 256}, std::string(576 * 256, '\x38')}};
}

TEST_F(CheckpointTest, ReadsVectorsOfBothTypes) {
  const auto checkpoint = OpenSingle({F32("a", {1, -2.5f}), {"b", "BF16", {2}, Bytes<uint16_t>({0x3f80, 0xc000})}});
  EXPECT_THAT(checkpoint->GetVector("a", 2).value(), ElementsAre(1.0f, -2.5f));
  EXPECT_THAT(checkpoint->GetVector("b", 2).value(), ElementsAre(1.0f, -2.0f));
  EXPECT_TRUE(checkpoint->Has("a"));
  EXPECT_FALSE(checkpoint->Has("c"));
  EXPECT_THAT(checkpoint->Names(), ElementsAre("a", "b"));
}

TEST_F(CheckpointTest, ErrorsNameFileAndTensor) {
  const auto checkpoint = OpenSingle({F32("a", {1, 2}), {"i", "I64", {1}, std::string(8, '\0')}});
  const absl::Status missing = checkpoint->Get("absent", {2}).status();
  EXPECT_EQ(missing.code(), absl::StatusCode::kNotFound);
  EXPECT_THAT(std::string(missing.message()), HasSubstr("model.safetensors: tensor absent: is missing"));
  EXPECT_THAT(std::string(checkpoint->Get("a", {3}).status().message()),
              HasSubstr("model.safetensors: tensor a: has shape [2], expected [3]"));
  EXPECT_THAT(std::string(checkpoint->GetWeight("a", 1, 2).status().message()), HasSubstr("expected [1, 2]"));
  EXPECT_THAT(std::string(checkpoint->Get("i", {1}).status().message()), HasSubstr("tensor i: has dtype I64"));
  EXPECT_EQ(checkpoint->BytesRead(), 0);
}

TEST_F(CheckpointTest, CountsOnlyWhatWasAskedForAndOnce) {
  const auto checkpoint = OpenSingle({F32("a", {1, 2}), F32("b", {1, 2, 3}), F32("c", {1})});
  EXPECT_EQ(checkpoint->BytesRead(), 0);
  EXPECT_TRUE(checkpoint->Digests().empty());
  ASSERT_TRUE(checkpoint->Get("b", {3}).ok());
  ASSERT_TRUE(checkpoint->GetVector("b", 3).ok());
  EXPECT_EQ(checkpoint->BytesRead(), 12);
  ASSERT_TRUE(checkpoint->Get("c", {1}).ok());
  EXPECT_EQ(checkpoint->BytesRead(), 16);
  ASSERT_EQ(checkpoint->Digests().size(), 2u);
  EXPECT_EQ(checkpoint->Digests()[0].name, "b");
}

TEST_F(CheckpointTest, DigestIsOfTypeShapeAndBytes) {
  const auto checkpoint = OpenSingle({F32("a", {1, 2}),
                                      F32("same", {1, 2}),
                                      {"reshaped", "F32", {1, 2}, Bytes<float>({1, 2})},
                                      {"retyped", "BF16", {4}, Bytes<float>({1, 2})},
                                      F32("other", {1, 3})});
  ASSERT_TRUE(checkpoint->Get("a", {2}).ok());
  ASSERT_TRUE(checkpoint->Get("same", {2}).ok());
  ASSERT_TRUE(checkpoint->Get("reshaped", {1, 2}).ok());
  ASSERT_TRUE(checkpoint->Get("retyped", {4}).ok());
  ASSERT_TRUE(checkpoint->Get("other", {2}).ok());
  std::map<std::string, uint64_t> digests;
  for (const TensorDigestEntry& entry : checkpoint->Digests()) digests[entry.name] = entry.digest;
  // What `xxhsum -H3` says of "F32[2]" and the floats 1 and 2.
  EXPECT_EQ(digests["a"], 0x7902b190296d9369u);
  EXPECT_EQ(digests["a"], digests["same"]);
  for (const char* name : {"reshaped", "retyped", "other"}) EXPECT_NE(digests["a"], digests[name]) << name;
}

TEST_F(CheckpointTest, RaggedFp8WeightHasFiveScaleRows) {
  std::vector<float> scale(10);
  for (size_t i = 0; i < scale.size(); ++i) scale[i] = static_cast<float>(i + 1);
  const auto checkpoint = OpenSingle(RaggedFp8(scale));
  const WeightView view = checkpoint->GetWeight("p.weight", 576, 256).value();
  EXPECT_EQ(view.dtype, DType::kF8E4m3);
  EXPECT_EQ(view.rows, 576);
  EXPECT_EQ(view.cols, 256);
  EXPECT_EQ(view.scale_stride, 2);
  EXPECT_EQ(view.scale[575 / 128 * view.scale_stride + 255 / 128], 10.0f);
  EXPECT_EQ(checkpoint->BytesRead(), 576 * 256 + 40);
}

TEST_F(CheckpointTest, RefusesBadScales) {
  for (const float bad : {std::numeric_limits<float>::quiet_NaN(), std::numeric_limits<float>::infinity(), -1.0f}) {
    std::vector<float> scale(10, 1.0f);
    scale[7] = bad;
    const auto status = OpenSingle(RaggedFp8(scale))->GetWeight("p.weight", 576, 256).status();
    EXPECT_EQ(status.code(), absl::StatusCode::kInvalidArgument);
    EXPECT_THAT(std::string(status.message()), HasSubstr("model.safetensors: tensor p.weight_scale_inv: scale 7"));
    std::filesystem::remove(directory_ / "model.safetensors");
  }
}

TEST_F(CheckpointTest, RefusesMisshapenOrMissingScale) {
  auto status = OpenSingle(RaggedFp8(std::vector<float>(8, 1.0f), {4, 2}))->GetWeight("p.weight", 576, 256).status();
  EXPECT_THAT(std::string(status.message()), HasSubstr("tensor p.weight_scale_inv: has shape [4, 2], expected [5, 2]"));
  std::filesystem::remove(directory_ / "model.safetensors");
  status = OpenSingle({RaggedFp8(std::vector<float>(10, 1.0f))[1]})->GetWeight("p.weight", 576, 256).status();
  EXPECT_THAT(std::string(status.message()), HasSubstr("tensor p.weight_scale_inv: is missing"));
}

// Nothing is copied but scales, which are read as floats.
TEST_F(CheckpointTest, ReadsWhatTheFileMisaligns) {
  const auto checkpoint = OpenSingle({{"odd", "U8", {1}, "x"},
                                      F32("a", {1, 2, 3}),
                                      {"b", "BF16", {1, 2}, Bytes<uint16_t>({0x3f80, 0xc000})},
                                      {"p.weight", "F8_E4M3", {1, 2}, "\x38\x40"},
                                      {"p.weight_scale_inv", "F32", {1, 1}, Bytes<float>({2})}});
  EXPECT_NE(reinterpret_cast<uintptr_t>(checkpoint->Get("a", {3}).value().data) % 4, 0u);
  EXPECT_THAT(checkpoint->GetVector("a", 3).value(), ElementsAre(1.0f, 2.0f, 3.0f));
  std::vector<float> values(2);
  Dequantize(checkpoint->GetWeight("b", 1, 2).value(), values.data());
  EXPECT_THAT(values, ElementsAre(1.0f, -2.0f));
  const WeightView view = checkpoint->GetWeight("p.weight", 1, 2).value();
  EXPECT_EQ(reinterpret_cast<uintptr_t>(view.scale) % 4, 0u);
  Dequantize(view, values.data());
  EXPECT_THAT(values, ElementsAre(2.0f, 4.0f));
}

TEST_F(CheckpointTest, ReadsShards) {
  WriteFile(directory_ / "model-00001-of-00002.safetensors", {F32("a", {1})});
  WriteFile(directory_ / "model-00002-of-00002.safetensors", {F32("b", {2}), F32("unlisted", {3})});
  WriteIndex(R"({"a": "model-00001-of-00002.safetensors", "b": "model-00002-of-00002.safetensors"})");
  const auto checkpoint = Checkpoint::Open(directory_).value();
  EXPECT_THAT(checkpoint->Names(), ElementsAre("a", "b"));
  EXPECT_THAT(checkpoint->GetVector("b", 1).value(), ElementsAre(2.0f));
  EXPECT_THAT(checkpoint->Get("b", {1}).value().file, HasSubstr("model-00002-of-00002.safetensors"));
}

TEST_F(CheckpointTest, RefusesAnIndexThatIsWrong) {
  WriteFile(directory_ / "s.safetensors", {F32("a", {1})});
  WriteIndex(R"({"a": "s.safetensors", "b": "s.safetensors"})");
  EXPECT_THAT(OpenError(), HasSubstr("s.safetensors: tensor b: is missing"));
  WriteIndex(R"({"a": "gone.safetensors"})");
  EXPECT_THAT(OpenError(), HasSubstr("index.json: names shard gone.safetensors"));
  for (const char* name : {"../s.safetensors", "/s.safetensors", "", "."}) {
    WriteIndex(absl::StrCat(R"({"a": ")", name, "\"}"));
    EXPECT_THAT(OpenError(), HasSubstr("is not the name of a file"));
  }
  WriteIndex("[]");
  EXPECT_THAT(OpenError(), HasSubstr("index.json: weight_map: must be an object"));
  WriteIndex("null");
  EXPECT_THAT(OpenError(), HasSubstr("index.json: weight_map: is missing"));
}

TEST_F(CheckpointTest, AnEmptyDirectoryIsNamed) {
  const absl::Status status = Checkpoint::Open(directory_).status();
  EXPECT_EQ(status.code(), absl::StatusCode::kNotFound);
  EXPECT_THAT(std::string(status.message()), HasSubstr("holds neither model.safetensors nor model.safetensors.index.json"));
}

}  // namespace
}  // namespace baleen
