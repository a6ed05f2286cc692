#include <algorithm>
#include <cstring>
#include <memory>

#include "kernels/cuda/base/device.h"
#include "kernels/cuda/gemm/gemm.h"
#include "kernels/cuda/gemm/tile_schedule.h"
#include "kernels/cuda/testing/device.h"

namespace baleen::cuda {
namespace {

using testing::DeviceArray;
using testing::Expect;
using testing::ExpectClose;
using testing::ExpectOk;

constexpr uint16_t kUnwritten = 0xffff;

// x and w of one product, on host and device.
struct Operands {
  GemmArgs args;
  std::vector<uint8_t> x8, w8;
  std::vector<Bf16> x16, w16;
  std::vector<float> x_scale, w_scale;
  std::unique_ptr<DeviceArray<uint8_t>> device_x8, device_w8;
  std::unique_ptr<DeviceArray<Bf16>> device_x16, device_w16;
  std::unique_ptr<DeviceArray<float>> device_x_scale, device_w_scale;

  Operands(DType input, int groups, int64_t rows, int64_t outputs, int64_t inputs, uint32_t seed) {
    args.input = input;
    args.groups = groups;
    args.rows = rows;
    args.outputs = outputs;
    args.inputs = args.ldx = inputs;
    args.ldy = outputs;
    if (input == DType::kF8E4m3) {
      MakeFp8(seed);
    } else {
      x16 = testing::RandomBf16(static_cast<size_t>(rows * inputs), seed);
      w16 = testing::RandomBf16(static_cast<size_t>(groups * outputs * inputs), seed + 1);
      device_x16 = std::make_unique<DeviceArray<Bf16>>(x16);
      device_w16 = std::make_unique<DeviceArray<Bf16>>(w16);
      args.x = device_x16->data();
      args.w = device_w16->data();
    }
  }

  void MakeFp8(uint32_t seed) {
    const int64_t k_blocks = Ceiling(args.inputs, kScaleBlock);
    args.x_scale_stride = Ceiling(args.rows, 4) * 4 + 4;
    x8 = testing::RandomE4m3(static_cast<size_t>(args.rows * args.inputs), seed, 64);
    w8 = testing::RandomE4m3(static_cast<size_t>(args.groups * args.outputs * args.inputs), seed + 1, 64);
    x_scale = testing::RandomScales(static_cast<size_t>(k_blocks * args.x_scale_stride), seed + 2, 1e-4f, 1e-2f);
    w_scale =
        testing::RandomScales(static_cast<size_t>(args.groups * Ceiling(args.outputs, kScaleBlock) * k_blocks), seed + 3, 1e-5f, 1e-1f);
    device_x8 = std::make_unique<DeviceArray<uint8_t>>(x8);
    device_w8 = std::make_unique<DeviceArray<uint8_t>>(w8);
    device_x_scale = std::make_unique<DeviceArray<float>>(x_scale);
    device_w_scale = std::make_unique<DeviceArray<float>>(w_scale);
    args.x = device_x8->data();
    args.w = device_w8->data();
    args.x_scale = device_x_scale->data();
    args.w_scale = device_w_scale->data();
  }

  double X(int64_t row, int64_t k) const {
    const size_t at = static_cast<size_t>(row * args.ldx + k);
    if (args.input == DType::kBf16) return Bf16ToF32(x16[at]);
    return static_cast<double>(F8E4m3ToF32(x8[at])) * x_scale[static_cast<size_t>(k / kScaleBlock * args.x_scale_stride + row)];
  }
  double W(int group, int64_t n, int64_t k) const {
    const size_t at = static_cast<size_t>((group * args.outputs + n) * args.inputs + k);
    if (args.input == DType::kBf16) return Bf16ToF32(w16[at]);
    const int64_t scale =
        (group * Ceiling(args.outputs, kScaleBlock) + n / kScaleBlock) * Ceiling(args.inputs, kScaleBlock) + k / kScaleBlock;
    return static_cast<double>(F8E4m3ToF32(w8[at])) * w_scale[static_cast<size_t>(scale)];
  }
  double Dot(int group, int64_t row, int64_t n, int64_t x_shift = 0) const {
    double sum = 0;
    for (int64_t k = 0; k < args.inputs; ++k) sum += X(row, x_shift + k) * W(group, n, k);
    return sum;
  }
};

// All of y as doubles.
std::vector<double> Values(const std::vector<Bf16>& y) {
  std::vector<double> values;
  for (const Bf16 bits : y) values.push_back(Bf16ToF32(bits));
  return values;
}
std::vector<double> Values(const std::vector<float>& y) { return {y.begin(), y.end()}; }

std::string NameOf(const GemmTile& tile) {
  return std::to_string(tile.rows) + " x " + std::to_string(tile.outputs) + ", cluster of " + std::to_string(tile.cluster);
}

// Every tile that the product can be computed with; one for the emulation, whose products know no tiles.
std::vector<GemmTile> TilesOf(const GemmArgs& args) {
  std::vector<GemmTile> tiles;
  for (const GemmTile& tile : GemmTiles(args.input, args.output)) {
    if (GemmTileSuits(tile, args.outputs)) tiles.push_back(tile);
  }
  if (DeviceIsEmulated()) tiles.resize(1);
  return tiles;
}

// All rows by all outputs.
std::vector<double> Reference(const Operands& operands) {
  std::vector<double> reference;
  for (int64_t row = 0; row < operands.args.rows; ++row) {
    for (int64_t n = 0; n < operands.args.outputs; ++n) reference.push_back(operands.Dot(0, row, n));
  }
  return reference;
}

template <typename T>
void CheckDense(DType input, int64_t rows, int64_t outputs, int64_t inputs) {
  Operands operands(input, 1, rows, outputs, inputs, static_cast<uint32_t>(rows + outputs + inputs));
  constexpr int64_t kAligned = 16 / sizeof(T);
  const int64_t ldy = Ceiling(outputs, kAligned) * kAligned + kAligned;
  operands.args.output = sizeof(T) == 2 ? DType::kBf16 : DType::kF32;
  operands.args.ldy = ldy;
  const std::vector<double> reference = Reference(operands);
  for (const GemmTile& tile : TilesOf(operands.args)) {
    const std::string name = std::string(NameOf(input)) + " " + std::to_string(rows) + " x " + std::to_string(outputs) + " x " +
                             std::to_string(inputs) + " by " + NameOf(tile);
    DeviceArray<T> y(static_cast<size_t>(rows * ldy));
    const std::vector<T> unwritten = y.Download();
    operands.args.y = y.data();
    operands.args.tile = tile;
    ExpectOk(Gemm(operands.args, nullptr));
    const std::vector<T> out = y.Download();
    std::vector<T> written;
    for (int64_t row = 0; row < rows; ++row) {
      const auto begin = out.begin() + row * ldy;
      written.insert(written.end(), begin, begin + outputs);
      Expect(std::memcmp(&*(begin + outputs), unwritten.data(), static_cast<size_t>(ldy - outputs) * sizeof(T)) == 0,
             name + ": columns behind the outputs were written");
    }
    ExpectClose(Values(written), reference, 4e-3, name);
  }
}

BALEEN_GPU_TEST(GemmFp8AgreesWithDoubles) {
  CheckDense<Bf16>(DType::kF8E4m3, 1, 128, 128);
  CheckDense<Bf16>(DType::kF8E4m3, 77, 264, 512);
  CheckDense<Bf16>(DType::kF8E4m3, 300, 512, 1152);
  CheckDense<Bf16>(DType::kF8E4m3, 40, 576, 208);  // An unfinished block of K, 4.5 of outputs.
  CheckDense<float>(DType::kF8E4m3, 130, 90, 384);
}

BALEEN_GPU_TEST(GemmBf16AgreesWithDoubles) {
  CheckDense<Bf16>(DType::kBf16, 1, 128, 64);
  CheckDense<Bf16>(DType::kBf16, 77, 264, 520);
  CheckDense<Bf16>(DType::kBf16, 300, 512, 1152);
  CheckDense<float>(DType::kBf16, 200, 256, 448);
  CheckDense<float>(DType::kBf16, 5, 2, 8);
}

// Rows of groups that begin anywhere, some groups empty.
BALEEN_GPU_TEST(GemmContiguousGroups) {
  const std::vector<int32_t> offsets = {0, 0, 70, 71, 71, 330, 330};
  const int groups = static_cast<int>(offsets.size()) - 1;
  const int64_t rows = 352;
  const int64_t outputs = 512;
  Operands operands(DType::kF8E4m3, groups, rows, outputs, 384, 9);
  const DeviceArray<int32_t> group_rows(offsets);
  std::vector<double> reference;
  for (int group = 0; group < groups; ++group) {
    for (int64_t row = offsets[static_cast<size_t>(group)]; row < offsets[static_cast<size_t>(group) + 1]; ++row) {
      for (int64_t n = 0; n < outputs; ++n) reference.push_back(operands.Dot(group, row, n));
    }
  }
  operands.args.grouping = RowGroups::kContiguous;
  operands.args.group_rows = group_rows.data();
  for (const GemmTile& tile : TilesOf(operands.args)) {
    DeviceArray<Bf16> y(static_cast<size_t>(rows * outputs));
    operands.args.tile = tile;
    operands.args.y = y.data();
    ExpectOk(Gemm(operands.args, nullptr));
    const std::vector<Bf16> out = y.Download();
    const auto end = out.begin() + static_cast<int64_t>(reference.size());
    ExpectClose(Values(std::vector<Bf16>(out.begin(), end)), reference, 4e-3, "contiguous by " + NameOf(tile));
    Expect(std::all_of(end, out.end(), [](Bf16 bits) { return bits == kUnwritten; }), "a row behind the groups was written");
  }
}

BALEEN_GPU_TEST(GemmMaskedGroups) {
  const std::vector<int32_t> counts = {0, 1, 80, 64, 65};
  const int64_t capacity = 80;
  const int64_t outputs = 512;
  Operands operands(DType::kF8E4m3, 5, 5 * capacity, outputs, 256, 11);
  const DeviceArray<int32_t> group_rows(counts);
  const auto belongs = [&](int64_t row) { return row % capacity < counts[static_cast<size_t>(row / capacity)]; };
  std::vector<double> reference;
  for (int64_t row = 0; row < 5 * capacity; ++row) {
    for (int64_t n = 0; n < outputs && belongs(row); ++n) reference.push_back(operands.Dot(static_cast<int>(row / capacity), row, n));
  }
  operands.args.grouping = RowGroups::kMasked;
  operands.args.group_rows = group_rows.data();
  for (const GemmTile& tile : TilesOf(operands.args)) {
    DeviceArray<Bf16> y(static_cast<size_t>(5 * capacity * outputs));
    operands.args.y = y.data();
    operands.args.tile = tile;
    ExpectOk(Gemm(operands.args, nullptr));
    const std::vector<Bf16> out = y.Download();
    std::vector<double> written;
    for (int64_t row = 0; row < 5 * capacity; ++row) {
      for (int64_t n = 0; n < outputs; ++n) {
        const Bf16 bits = out[static_cast<size_t>(row * outputs + n)];
        if (belongs(row)) {
          written.push_back(Bf16ToF32(bits));
        } else {
          Expect(bits == kUnwritten, "a masked row was written");
        }
      }
    }
    ExpectClose(written, reference, 4e-3, "masked by " + NameOf(tile));
  }
}

// As the absorbed projections are: every head has its own weight and its own columns of wider rows.
BALEEN_GPU_TEST(GemmBatchedHeads) {
  const int64_t rows = 37, heads = 6, inputs = 128, outputs = 512, x_stride = 192, y_stride = 576;
  Operands operands(DType::kBf16, static_cast<int>(heads), rows, outputs, inputs, 13);
  operands.x16 = testing::RandomBf16(static_cast<size_t>(rows * heads * x_stride), 14);
  const DeviceArray<Bf16> x(operands.x16);
  DeviceArray<Bf16> y(static_cast<size_t>(rows * heads * y_stride));
  operands.args.grouping = RowGroups::kBatched;
  operands.args.x = x.data();
  operands.args.y = y.data();
  operands.args.ldx = heads * x_stride;
  operands.args.ldy = heads * y_stride;
  operands.args.group_x_stride = x_stride;
  operands.args.group_y_stride = y_stride;
  ExpectOk(Gemm(operands.args, nullptr));
  const std::vector<Bf16> out = y.Download();
  std::vector<double> written;
  std::vector<double> reference;
  for (int64_t row = 0; row < rows; ++row) {
    for (int64_t head = 0; head < heads; ++head) {
      for (int64_t n = 0; n < y_stride; ++n) {
        const Bf16 bits = out[static_cast<size_t>((row * heads + head) * y_stride + n)];
        if (n >= outputs) {
          Expect(bits == kUnwritten, "a column between heads was written");
          continue;
        }
        written.push_back(Bf16ToF32(bits));
        reference.push_back(operands.Dot(static_cast<int>(head), row, n, head * x_stride));
      }
    }
  }
  ExpectClose(written, reference, 4e-3, "batched");
}

template <typename T>
std::vector<T> Compute(GemmArgs args, const GemmTile& tile) {
  DeviceArray<T> y(static_cast<size_t>(args.rows * args.outputs));
  args.tile = tile;
  args.y = y.data();
  ExpectOk(Gemm(args, nullptr));
  return y.Download();
}

// The contract: neither the other rows nor the tile changes a bit.
template <typename T>
void CheckInvariance(DType input) {
  const int64_t rows = 333, outputs = 512, inputs = 1152;
  Operands operands(input, 1, rows, outputs, inputs, 17);
  operands.args.output = sizeof(T) == 2 ? DType::kBf16 : DType::kF32;
  const std::vector<T> all = Compute<T>(operands.args, GemmTile());
  for (const GemmTile& tile : TilesOf(operands.args)) {
    const std::vector<T> same = Compute<T>(operands.args, tile);
    Expect(std::memcmp(same.data(), all.data(), all.size() * sizeof(T)) == 0, "other bits by " + NameOf(tile));
  }
  const size_t size = input == DType::kBf16 ? 2 : 1;
  for (const int64_t row : {0, 63, 64, 200, 332}) {
    GemmArgs alone = operands.args;
    // 16-byte alignment of a row's scales is kept by copying them.
    std::vector<float> scales;
    for (int64_t block = 0; input == DType::kF8E4m3 && block < inputs / kScaleBlock; ++block) {
      scales.push_back(operands.x_scale[static_cast<size_t>(block * operands.args.x_scale_stride + row)]);
      scales.resize(scales.size() + 3);
    }
    const DeviceArray<float> device_scales(scales);
    alone.rows = 1;
    alone.x = static_cast<const char*>(operands.args.x) + static_cast<size_t>(row * inputs) * size;
    alone.x_scale = device_scales.data();
    alone.x_scale_stride = 4;
    const std::vector<T> y = Compute<T>(alone, GemmTile());
    Expect(std::memcmp(y.data(), all.data() + row * outputs, y.size() * sizeof(T)) == 0, "row " + std::to_string(row) + " differs alone");
  }
}

BALEEN_GPU_TEST(GemmRowsAreInvariant) {
  CheckInvariance<Bf16>(DType::kF8E4m3);
  CheckInvariance<float>(DType::kF8E4m3);
  CheckInvariance<Bf16>(DType::kBf16);
  CheckInvariance<float>(DType::kBf16);
}

// V3's shapes, at some outputs chosen at random: every tile, band and stage is passed through.
BALEEN_GPU_TEST(GemmV3ShapesAtSomeOutputs) {
  const int64_t shapes[][3] = {{4096, 4096, 7168}, {700, 7168, 2048}};
  for (const auto& shape : shapes) {
    Operands operands(DType::kF8E4m3, 1, shape[0], shape[1], shape[2], 19);
    DeviceArray<Bf16> y(static_cast<size_t>(shape[0] * shape[1]));
    operands.args.y = y.data();
    ExpectOk(Gemm(operands.args, nullptr));
    const std::vector<Bf16> out = y.Download();
    std::mt19937 generator(20);
    std::vector<double> some;
    std::vector<double> reference;
    for (int i = 0; i < 3000; ++i) {
      const int64_t row = generator() % shape[0];
      const int64_t n = generator() % shape[1];
      some.push_back(Bf16ToF32(out[static_cast<size_t>(row * shape[1] + n)]));
      reference.push_back(operands.Dot(0, row, n));
    }
    ExpectClose(some, reference, 4e-3, "V3 " + std::to_string(shape[1]) + " x " + std::to_string(shape[2]));
    Expect(std::none_of(out.begin(), out.end(), [](Bf16 bits) { return bits == kUnwritten; }), "an output was not written");
  }
}

}  // namespace
}  // namespace baleen::cuda
