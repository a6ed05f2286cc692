#include <cmath>
#include <set>

#include "kernels/cuda/kv_append/kv_append.h"
#include "kernels/cuda/kv_append/page_walk.h"
#include "kernels/cuda/rope/rotate.h"
#include "kernels/cuda/testing/device.h"

namespace baleen::cuda {
namespace {

using testing::DeviceArray;
using testing::Expect;
using testing::ExpectClose;
using testing::ExpectOk;

void Check(int latent, int rope) {
  const int width = latent + rope;
  const std::vector<int32_t> positions = {0, 63, 64, 130, 5};
  const std::vector<int32_t> first_block = {0, 0, 0, 0, 3};
  const std::vector<int32_t> blocks = {4, 0, 2, 1};
  const int64_t page_count = 5;
  const std::vector<Bf16> kv = testing::RandomBf16(positions.size() * static_cast<size_t>(width), 1);
  const std::vector<float> weight = testing::RandomF32(static_cast<size_t>(latent), 2);
  const std::vector<float> frequencies = testing::RandomScales(static_cast<size_t>(rope / 2), 3, 0, 1);
  const DeviceArray<Bf16> device_kv(kv);
  const DeviceArray<float> device_weight(weight);
  const DeviceArray<float> device_frequencies(frequencies);
  const DeviceArray<int32_t> device_positions(positions);
  const DeviceArray<int32_t> device_first(first_block);
  const DeviceArray<int32_t> device_blocks(blocks);
  DeviceArray<Bf16> pages(static_cast<size_t>(page_count * 64 * width));
  KvAppendArgs args;
  args.rows = static_cast<int64_t>(positions.size());
  args.latent = latent;
  args.rope = rope;
  args.kv = device_kv.data();
  args.ldkv = width;
  args.weight = device_weight.data();
  args.eps = 1e-6f;
  args.frequencies = device_frequencies.data();
  args.positions = device_positions.data();
  args.blocks = device_blocks.data();
  args.first_block = device_first.data();
  args.pages = pages.data();
  args.page_count = page_count;
  ExpectOk(KvAppend(args, nullptr));
  const std::vector<Bf16> out = pages.Download();
  std::vector<double> written, reference;
  std::set<int64_t> expected;
  for (size_t row = 0; row < positions.size(); ++row) {
    const int64_t page_row = PageRow(blocks.data(), first_block[row], positions[row], page_count);
    expected.insert(page_row);
    const Bf16* const in = kv.data() + row * static_cast<size_t>(width);
    double sum = 0;
    for (int c = 0; c < latent; ++c) sum += static_cast<double>(Bf16ToF32(in[c])) * Bf16ToF32(in[c]);
    for (int c = 0; c < latent; ++c)
      reference.push_back(weight[static_cast<size_t>(c)] * Bf16ToF32(in[c]) / std::sqrt(sum / latent + 1e-6));
    for (int pair = 0; pair < rope / 2; ++pair) {
      const Rotation by = RotationAt(positions[row], frequencies[static_cast<size_t>(pair)], 1);
      const ChannelPair rotated = Rotate({Bf16ToF32(in[latent + 2 * pair]), Bf16ToF32(in[latent + 2 * pair + 1])}, by);
      reference.push_back(rotated.even);
      reference.push_back(rotated.odd);
    }
    for (int c = 0; c < width; ++c) written.push_back(Bf16ToF32(out[static_cast<size_t>(page_row * width + c)]));
  }
  ExpectClose(written, reference, 3e-3, "pages of " + std::to_string(width));
  for (int64_t row = 0; row < page_count * 64; ++row) {
    if (!expected.contains(row)) Expect(out[static_cast<size_t>(row * width)] == 0xffff, "another slot was written");
  }
}

BALEEN_GPU_TEST(KvAppendAgreesWithDoubles) {
  Check(512, 64);
  Check(64, 16);
}

}  // namespace
}  // namespace baleen::cuda
