#include "model/cuda/upload_matrix.h"

#include <gtest/gtest.h>

#include <cstddef>
#include <string>
#include <vector>

#include "kernels/cuda/base/device.h"

namespace baleen {
namespace {

constexpr int64_t kRows = 130, kCols = 40, kPaddedCols = 48;

template <typename T>
std::vector<T> Read(const cuda::DeviceMemory& memory, int64_t count) {
  std::vector<T> values(static_cast<size_t>(count));
  EXPECT_TRUE(cuda::CopyNow(values.data(), memory.data(), values.size() * sizeof(T)).ok());
  return values;
}

cuda::DeviceMemory Room(int64_t bytes) {
  cuda::DeviceMemory memory;
  EXPECT_TRUE(cuda::DeviceMemory::Allocate(static_cast<size_t>(bytes), &memory).ok());
  return memory;
}

std::vector<float> Values() {
  std::vector<float> values(kRows * kCols);
  for (size_t i = 0; i < values.size(); ++i) values[i] = static_cast<float>((i * 37) % 101) / 50.0f - 1.0f;
  return values;
}

class UploadMatrixTest : public testing::Test {
 protected:
  void SetUp() override {
    if (const std::string problem = cuda::DeviceProblem(); !problem.empty()) GTEST_SKIP() << problem;
  }
};

TEST_F(UploadMatrixTest, RoundsToBf16AndPads) {
  const std::vector<float> values = Values();
  const cuda::DeviceMemory data = Room((kRows + 1) * kPaddedCols * 2);
  const WeightView view{.data = values.data(), .dtype = DType::kF32, .rows = kRows, .cols = kCols};
  ASSERT_TRUE(UploadMatrix(view, {DType::kBf16, kRows + 1, kPaddedCols, data.data(), nullptr}).ok());
  const std::vector<Bf16> got = Read<Bf16>(data, (kRows + 1) * kPaddedCols);
  for (int64_t row = 0; row <= kRows; ++row) {
    for (int64_t col = 0; col < kPaddedCols; ++col) {
      const bool inside = row < kRows && col < kCols;
      ASSERT_EQ(got[row * kPaddedCols + col], inside ? F32ToBf16(values[row * kCols + col]) : 0) << row << ", " << col;
    }
  }
}

TEST_F(UploadMatrixTest, KeepsFp8AsItIs) {
  std::vector<uint8_t> codes(kRows * kCols);
  for (size_t i = 0; i < codes.size(); ++i) codes[i] = static_cast<uint8_t>(i * 11);
  const std::vector<float> scales = {0.5f, 0.25f};
  const WeightView view{
      .data = codes.data(), .dtype = DType::kF8E4m3, .rows = kRows, .cols = kCols, .scale = scales.data(), .scale_stride = 1};
  const cuda::DeviceMemory data = Room(kRows * kCols);
  const cuda::DeviceMemory device_scales = Room(2 * sizeof(float));
  ASSERT_TRUE(UploadMatrix(view, {DType::kF8E4m3, kRows, kCols, data.data(), device_scales.As<float>()}).ok());
  EXPECT_EQ(Read<uint8_t>(data, kRows * kCols), codes);
  EXPECT_EQ(Read<float>(device_scales, 2), scales);

  const cuda::DeviceMemory wide = Room(256 * 128);
  ASSERT_TRUE(UploadMatrix(view, {DType::kF8E4m3, 256, 128, wide.data(), device_scales.As<float>()}).ok());
  const std::vector<uint8_t> padded = Read<uint8_t>(wide, 256 * 128);
  for (int64_t row = 0; row < 256; ++row) {
    for (int64_t col = 0; col < 128; ++col) {
      ASSERT_EQ(padded[row * 128 + col], row < kRows && col < kCols ? codes[row * kCols + col] : 0) << row << ", " << col;
    }
  }
}

TEST_F(UploadMatrixTest, QuantisesByBlocks) {
  const std::vector<float> values = Values();
  const WeightView view{.data = values.data(), .dtype = DType::kF32, .rows = kRows, .cols = kCols};
  const cuda::DeviceMemory data = Room(256 * 128);
  const cuda::DeviceMemory device_scales = Room(2 * sizeof(float));
  ASSERT_TRUE(UploadMatrix(view, {DType::kF8E4m3, 256, 128, data.data(), device_scales.As<float>()}).ok());
  const std::vector<uint8_t> codes = Read<uint8_t>(data, 256 * 128);
  const std::vector<float> scales = Read<float>(device_scales, 2);
  for (int64_t row = 0; row < kRows; ++row) {
    for (int64_t col = 0; col < kCols; ++col) {
      const float wanted = values[row * kCols + col];
      ASSERT_NEAR(F8E4m3ToF32(codes[row * 128 + col]) * scales[row / 128], wanted, std::abs(wanted) / 16 + 1e-4f) << row << ", " << col;
    }
  }
}

TEST_F(UploadMatrixTest, RefusesWhatDoesNotFit) {
  const std::vector<float> values = Values();
  const WeightView view{.data = values.data(), .dtype = DType::kF32, .rows = kRows, .cols = kCols};
  const cuda::DeviceMemory data = Room(1024 * 128);
  const cuda::DeviceMemory scales = Room(8 * sizeof(float));
  EXPECT_FALSE(UploadMatrix(view, {DType::kBf16, kRows - 1, kCols, data.data(), nullptr}).ok());
  EXPECT_FALSE(UploadMatrix(view, {DType::kBf16, kRows, kCols - 1, data.data(), nullptr}).ok());
  EXPECT_FALSE(UploadMatrix(view, {DType::kF8E4m3, 257, kCols, data.data(), scales.As<float>()}).ok());
}

}  // namespace
}  // namespace baleen
