// A product on random operands.
#ifndef BALEEN_KERNELS_CUDA_BENCH_PRODUCT_H_
#define BALEEN_KERNELS_CUDA_BENCH_PRODUCT_H_

#include <cstdint>
#include <utility>
#include <vector>

#include "kernels/cuda/bench/harness.h"
#include "kernels/cuda/gemm/gemm.h"
#include "kernels/cuda/gemm/tile_schedule.h"

namespace baleen::cuda::bench {

// One product and all that it points to.
struct Product {
  GemmArgs args;
  std::vector<Memory> memory;

  template <typename T>
  T* Keep(Memory owned) {
    memory.push_back(std::move(owned));
    return As<T>(memory.back());
  }

  Product(DType input, RowGroups grouping, int groups, int64_t rows, int64_t outputs, int64_t inputs) {
    args.input = input;
    args.grouping = grouping;
    args.groups = groups;
    args.rows = rows;
    args.outputs = args.ldy = outputs;
    args.inputs = args.ldx = inputs;
    const size_t x_size = static_cast<size_t>(rows * inputs);
    const size_t w_size = static_cast<size_t>(groups * outputs * inputs);
    if (input == DType::kF8E4m3) {
      args.x_scale_stride = Ceiling(rows, 4) * 4;
      const int64_t k_blocks = Ceiling(inputs, kScaleBlock);
      args.x = Keep<uint8_t>(RandomE4m3(x_size));
      args.w = Keep<uint8_t>(RandomE4m3(w_size));
      args.x_scale = Keep<float>(RandomF32(static_cast<size_t>(k_blocks * args.x_scale_stride), 1e-3f, 1e-2f));
      args.w_scale = Keep<float>(RandomF32(static_cast<size_t>(groups * Ceiling(outputs, kScaleBlock) * k_blocks), 1e-3f, 1e-2f));
    } else {
      args.x = Keep<Bf16>(RandomBf16(x_size, 1));
      args.w = Keep<Bf16>(RandomBf16(w_size, 1));
    }
    args.y = Keep<void>(Allocate(static_cast<size_t>(rows * outputs) * 4));
  }

  double flops(int64_t active_rows) const { return 2.0 * static_cast<double>(active_rows * args.outputs * args.inputs); }
  double bytes(int64_t active_rows, int64_t active_groups) const {
    const double size = static_cast<double>(SizeOf(args.input));
    return size * static_cast<double>(active_rows * args.inputs + active_groups * args.outputs * args.inputs) +
           2.0 * static_cast<double>(active_rows * args.outputs);
  }
};

}  // namespace baleen::cuda::bench

#endif  // BALEEN_KERNELS_CUDA_BENCH_PRODUCT_H_
