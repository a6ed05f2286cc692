// Times the kernels on DeepSeek-V3's shapes beside their floors and cuBLASLt: kernel_bench [--out=FILE] [--only=PART_OF_NAME] [--tiles].
// --tiles times every product by each of the tiles whose estimated cost is not far from the best: what the estimate is judged by.
#include <cuda_runtime.h>

#include <algorithm>
#include <cstdio>
#include <string>
#include <string_view>
#include <vector>

#include "kernels/cuda/base/launch.h"
#include "kernels/cuda/bench/cublas_lt.h"
#include "kernels/cuda/bench/harness.h"
#include "kernels/cuda/bench/moe_layer.h"
#include "kernels/cuda/bench/product.h"
#include "kernels/cuda/gate/gate.h"
#include "kernels/cuda/gemm/gemm.h"
#include "kernels/cuda/mla/mla.h"
#include "kernels/cuda/norm/rms_norm.h"
#include "kernels/cuda/sampling/sampling.h"
#include "kernels/cuda/swiglu/swiglu.h"

namespace baleen::cuda::bench {
namespace {

// What no kernel can beat, as measured here.
struct Ceilings {
  double copy_rate = 0;  // Bytes read plus bytes written, a second.
  double bf16_rate = 0;  // FLOP/s of an 8192 cube.
  double fp8_rate = 0;
};

double FloorUs(const Ceilings& ceilings, double bytes, double flops, DType type) {
  const double rate = type == DType::kF8E4m3 ? ceilings.fp8_rate : ceilings.bf16_rate;
  return std::max(bytes / ceilings.copy_rate, rate > 0 ? flops / rate : 0) * 1e6;
}

class Bench {
 public:
  Bench(std::string out, std::string_view only, bool tiles) : report_(std::move(out)), only_(only), tiles_(tiles) {}

  void Run() {
    MeasureCeilings();
    DenseProducts();
    GroupedProducts();
    Attention();
    SmallKernels();
    TimeMoeLayer();
    report_.Write();
  }

 private:
  bool Wanted(const std::string& name) const { return name.find(only_) != std::string::npos; }

  void MeasureCeilings() {
    const size_t bytes = size_t{2} << 30;
    const Memory from = RandomE4m3(bytes);
    const Memory to = Allocate(bytes);
    const Timing copy = Time([&](int, Stream stream) { return CopyVectors(to.get(), from.get(), bytes, stream); });
    ceilings_.copy_rate = 2.0 * static_cast<double>(bytes) / copy.median_us * 1e6;
    ceilings_.bf16_rate = MatmulRate(DType::kBf16);
    ceilings_.fp8_rate = MatmulRate(DType::kF8E4m3);
    cudaDeviceProp properties;
    Require(FromCuda(cudaGetDeviceProperties(&properties, 0), "device"));
    report_.Device(properties.name, ceilings_.copy_rate, ceilings_.bf16_rate, ceilings_.fp8_rate);
  }

  static double MatmulRate(DType type) {
    const Product product(type, RowGroups::kDense, 1, 8192, 8192, 8192);
    const CublasLtProduct baseline(product.args);
    if (!baseline.status().ok()) return 0;
    const Timing timing = Time([&](int, Stream stream) { return baseline.Run(stream); });
    return product.flops(8192) / timing.median_us * 1e6;
  }

  void TimeProduct(const std::string& name, const Product& product, int64_t active_rows, int64_t active_groups, bool with_baseline) {
    if (!Wanted(name)) return;
    Line line;
    line.name = name;
    line.flops = product.flops(active_rows);
    line.bytes = product.bytes(active_rows, active_groups);
    line.floor_us = FloorUs(ceilings_, line.bytes, line.flops, product.args.input);
    line.timing = Time([&](int, Stream stream) { return Gemm(product.args, stream); });
    if (with_baseline) {
      const CublasLtProduct baseline(product.args);
      if (baseline.status().ok()) {
        line.baseline = baseline.name();
        line.baseline_us = Time([&](int, Stream stream) { return baseline.Run(stream); }).median_us;
      } else {
        std::printf("%s: no baseline: %s\n", name.c_str(), baseline.status().message().c_str());
      }
    }
    report_.Add(line);
    if (tiles_) TimeTiles(product);
  }

  static void TimeTiles(const Product& product) {
    const int multiprocessors = MultiprocessorCount();
    GemmArgs args = product.args;
    const GemmSizes sizes = GemmSizesOf(args);
    const double least = GemmTileCost(ChooseGemmTile(sizes, multiprocessors), sizes, multiprocessors);
    for (const GemmTile& tile : GemmTiles(args.input, args.output)) {
      if (!GemmTileSuits(tile, args.outputs) || GemmTileCost(tile, sizes, multiprocessors) > 2 * least) continue;
      args.tile = tile;
      const Timing timing = Time([&](int, Stream stream) { return Gemm(args, stream); }, 3, 1000);
      std::printf("  %3d x %3d, cluster of %d: %9.2f us%s\n", tile.rows, tile.outputs, tile.cluster, timing.median_us,
                  tile == GemmTileOf(product.args, multiprocessors) ? ", chosen" : "");
      std::fflush(stdout);
    }
  }

  void DenseProducts() {
    const int64_t shapes[][2] = {{2112, 7168}, {24576, 1536}, {7168, 16384}, {36864, 7168}, {7168, 18432}, {4096, 7168}, {7168, 2048}};
    for (const auto& shape : shapes) {
      for (const int64_t rows : {64, 128, 4096}) {
        TimeProduct("dense fp8 " + std::to_string(rows) + " x " + std::to_string(shape[0]) + " x " + std::to_string(shape[1]),
                    Product(DType::kF8E4m3, RowGroups::kDense, 1, rows, shape[0], shape[1]), rows, 1, true);
      }
    }
    for (const int64_t rows : {64, 4096}) {
      TimeProduct("dense bf16 " + std::to_string(rows) + " x 4096 x 7168", Product(DType::kBf16, RowGroups::kDense, 1, rows, 4096, 7168),
                  rows, 1, true);
    }
  }

  void GroupedProducts() {
    const int64_t shapes[][2] = {{4096, 7168}, {7168, 2048}};
    constexpr int kGroups = 16;
    for (const auto& shape : shapes) {
      const std::string size = " x " + std::to_string(shape[0]) + " x " + std::to_string(shape[1]);
      for (const int64_t each : {64, 128, 256, 512, 1024}) {
        std::vector<int32_t> offsets;
        for (int group = 0; group <= kGroups; ++group) offsets.push_back(static_cast<int32_t>(group * each));
        Product product(DType::kF8E4m3, RowGroups::kContiguous, kGroups, kGroups * each, shape[0], shape[1]);
        product.args.group_rows = product.Keep<int32_t>(CopyOf(offsets));
        TimeProduct("contiguous fp8, 16 experts of " + std::to_string(each) + size, product, kGroups * each, kGroups, false);
      }
      for (const int64_t each : {8, 64, 128, 256}) {
        const int64_t capacity = 256;
        Product product(DType::kF8E4m3, RowGroups::kMasked, kGroups, kGroups * capacity, shape[0], shape[1]);
        product.args.group_rows = product.Keep<int32_t>(CopyOf(std::vector<int32_t>(kGroups, static_cast<int32_t>(each))));
        product.args.expected_rows = each;
        TimeProduct("masked fp8, 16 experts of " + std::to_string(each) + size, product, kGroups * each, kGroups, false);
      }
    }
  }

  void Attention() {
    for (const int heads : {16, 128}) {
      for (const int64_t length : {1024, 4096, 8192, 32768}) {
        for (const int64_t rows : {1, 32, 128}) {
          if (rows * length <= 128 * 8192) TimeAttention(heads, length, rows);
        }
      }
    }
  }

  void TimeAttention(int heads, int64_t length, int64_t rows) {
    Line line;
    line.name = "mla, " + std::to_string(rows) + " rows of " + std::to_string(length) + " keys, " + std::to_string(heads) + " heads";
    if (!Wanted(line.name)) return;
    const int64_t blocks_each = length / 64;
    std::vector<int32_t> first_block;
    for (int64_t row = 0; row < rows; ++row) first_block.push_back(static_cast<int32_t>(row * blocks_each));
    const Memory query = RandomBf16(static_cast<size_t>(rows * heads * kMlaWidth), 0.3f);
    const Memory pages = RandomBf16(static_cast<size_t>(rows * length * kMlaWidth), 1);
    const Memory blocks = CopyOf(Counting(static_cast<size_t>(rows * blocks_each)));
    const Memory first = CopyOf(first_block);
    const Memory positions = CopyOf(std::vector<int32_t>(static_cast<size_t>(rows), static_cast<int32_t>(length - 1)));
    const Memory context = Allocate(static_cast<size_t>(rows * heads * kMlaLatent) * 2);
    const Memory workspace = Allocate(static_cast<size_t>(MlaWorkspaceFloats(rows, heads, length - 1)) * 4);
    MlaArgs args;
    args.rows = rows;
    args.heads = heads;
    args.scale = 0.1352337788608801f;
    args.largest_position = length - 1;
    args.query = As<Bf16>(query);
    args.pages = As<Bf16>(pages);
    args.page_count = rows * blocks_each;
    args.blocks = As<int32_t>(blocks);
    args.first_block = As<int32_t>(first);
    args.positions = As<int32_t>(positions);
    args.context = As<Bf16>(context);
    args.workspace = As<float>(workspace);
    line.flops = 2.0 * static_cast<double>(rows * heads * length) * (kMlaWidth + kMlaLatent);
    line.bytes = 2.0 * static_cast<double>(rows) * (static_cast<double>(length * kMlaWidth) + heads * (kMlaWidth + kMlaLatent));
    line.floor_us = FloorUs(ceilings_, line.bytes, line.flops, DType::kBf16);
    line.timing = Time([&](int, Stream stream) { return Mla(args, stream); });
    report_.Add(line);
  }

  void AddMemoryBound(const std::string& name, double bytes, const std::function<Status(int, Stream)>& launch) {
    Line line;
    line.name = name;
    line.bytes = bytes;
    line.floor_us = FloorUs(ceilings_, bytes, 0, DType::kBf16);
    line.timing = Time(launch);
    report_.Add(line);
  }

  void SmallKernels() {
    for (const int64_t rows : {128, 4096}) {
      TimeNorm(rows);
      TimeSwiGlu(rows * 8);
      TimeGate(rows);
    }
    TimeSampling(128);
  }

  void TimeNorm(int64_t rows) {
    const std::string name = "norm and quantise " + std::to_string(rows) + " x 7168";
    if (!Wanted(name)) return;
    const Memory x = RandomF32(static_cast<size_t>(rows * 7168), -1, 1);
    const Memory weight = RandomF32(7168, 0, 1);
    const Memory codes = Allocate(static_cast<size_t>(rows * 7168));
    const Memory scales = Allocate(static_cast<size_t>(rows * 56) * 4);
    RmsNormArgs args;
    args.rows = rows;
    args.width = args.ldx = 7168;
    args.x = x.get();
    args.weight = As<float>(weight);
    args.eps = 1e-6f;
    args.codes = As<uint8_t>(codes);
    args.scales = As<float>(scales);
    args.scale_stride = rows;
    AddMemoryBound(name, static_cast<double>(rows * 7168) * 5, [&](int, Stream stream) { return RmsNorm(args, stream); });
  }

  void TimeSwiGlu(int64_t rows) {
    const std::string name = "swiglu and quantise " + std::to_string(rows) + " x 2048";
    if (!Wanted(name)) return;
    const Memory gate_up = RandomBf16(static_cast<size_t>(rows * 4096), 2);
    const Memory codes = Allocate(static_cast<size_t>(rows * 2048));
    const Memory scales = Allocate(static_cast<size_t>(rows * 16) * 4);
    SwiGluArgs args;
    args.rows = rows;
    args.inner = 2048;
    args.gate_up = As<Bf16>(gate_up);
    args.codes = As<uint8_t>(codes);
    args.scales = As<float>(scales);
    args.scale_stride = rows;
    AddMemoryBound(name, static_cast<double>(rows * 2048) * 5, [&](int, Stream stream) { return SwiGlu(args, stream); });
  }

  void TimeGate(int64_t rows) {
    const std::string name = "gate " + std::to_string(rows) + " x 256";
    if (!Wanted(name)) return;
    const Memory logits = RandomF32(static_cast<size_t>(rows * 256), -3, 3);
    const Memory ids = Allocate(static_cast<size_t>(rows * 8) * 4);
    const Memory weights = Allocate(static_cast<size_t>(rows * 8) * 4);
    const GateArgs args = {V3GateParams(), rows, As<float>(logits), nullptr, As<int32_t>(ids), As<float>(weights)};
    AddMemoryBound(name, static_cast<double>(rows * (256 + 16)) * 4, [&](int, Stream stream) { return Gate(args, stream); });
  }

  void TimeSampling(int64_t rows) {
    const int64_t vocabulary = 128815, ld = 129280;
    const Memory logits = RandomF32(static_cast<size_t>(rows * ld), -10, 10);
    const Memory tokens = Allocate(static_cast<size_t>(rows) * 4);
    const Memory ways = Allocate(static_cast<size_t>(rows) * sizeof(RowSampling));
    for (const bool greedy : {true, false}) {
      const std::string name = std::string("sample ") + (greedy ? "greedily " : "top-p 0.95 ") + std::to_string(rows) + " x 128815";
      if (!Wanted(name)) continue;
      const RowSampling way = greedy ? RowSampling() : RowSampling{0.6f, 0.95f, 0, 0, 0.4};
      const std::vector<RowSampling> all(static_cast<size_t>(rows), way);
      Require(FromCuda(cudaMemcpy(ways.get(), all.data(), all.size() * sizeof(RowSampling), cudaMemcpyHostToDevice), "copy"));
      const SamplingArgs args = {rows, vocabulary, As<float>(logits), ld, As<RowSampling>(ways), nullptr, As<int32_t>(tokens)};
      AddMemoryBound(name, static_cast<double>(rows * vocabulary) * 4, [&](int, Stream stream) { return Sample(args, stream); });
    }
  }

  void TimeMoeLayer() {
    const std::string name = "V3 MoE layer, 128 rows, 256 experts";
    if (!Wanted(name)) return;
    if (FreeBytes() < size_t{20} << 30) {
      std::printf("%s: left out, it needs 20 GiB of device memory\n", name.c_str());
      return;
    }
    const MoeLayer layer;
    Line line;
    line.name = name;
    std::printf("%s: rows want %lld of the experts\n", name.c_str(), static_cast<long long>(layer.wanted_experts()));
    line.bytes = layer.bytes();
    line.flops = layer.flops();
    line.floor_us = FloorUs(ceilings_, line.bytes, line.flops, DType::kF8E4m3);
    line.timing = Time([&](int, Stream stream) { return layer.Run(stream); });
    report_.Add(line);
  }

  Report report_;
  std::string only_;
  bool tiles_;
  Ceilings ceilings_;
};

}  // namespace
}  // namespace baleen::cuda::bench

int main(int argc, char** argv) {
  std::string out = "kernel_bench.json";
  std::string_view only;
  bool tiles = false;
  for (int i = 1; i < argc; ++i) {
    const std::string_view argument = argv[i];
    if (argument.starts_with("--out=")) {
      out = argument.substr(6);
    } else if (argument.starts_with("--only=")) {
      only = argument.substr(7);
    } else if (argument == "--tiles") {
      tiles = true;
    } else {
      std::fprintf(stderr, "usage: %s [--out=FILE] [--only=PART_OF_NAME] [--tiles]\n", argv[0]);
      return 2;
    }
  }
  if (baleen::cuda::MultiprocessorCount() == 0) {
    std::printf("SKIPPED: no CUDA device\n");
    return 0;
  }
  baleen::cuda::bench::Bench(out, only, tiles).Run();
  return 0;
}
