#include <cstring>

#include "kernels/cuda/embed/embed.h"
#include "kernels/cuda/testing/device.h"

namespace baleen::cuda {
namespace {

using testing::DeviceArray;
using testing::Expect;
using testing::ExpectOk;

BALEEN_GPU_TEST(EmbedLooksRowsUp) {
  const int64_t hidden = 1028;
  const std::vector<int32_t> tokens = {4, 0, 5, -1, 4, 3};
  const std::vector<Bf16> table = testing::RandomBf16(5 * static_cast<size_t>(hidden), 1);
  const DeviceArray<Bf16> device_table(table);
  const DeviceArray<int32_t> device_tokens(tokens);
  DeviceArray<float> residual(tokens.size() * static_cast<size_t>(hidden));
  ExpectOk(Embed({static_cast<int64_t>(tokens.size()), hidden, 5, device_tokens.data(), device_table.data(), residual.data()}, nullptr));
  const std::vector<float> out = residual.Download();
  for (size_t i = 0; i < out.size(); ++i) {
    const int32_t token = tokens[i / static_cast<size_t>(hidden)];
    uint32_t bits;
    std::memcpy(&bits, &out[i], sizeof(bits));
    if (token < 0 || token >= 5) {
      Expect(bits == 0xffffffffu, "a row without a token was written");
    } else {
      Expect(out[i] == Bf16ToF32(table[static_cast<size_t>(token) * static_cast<size_t>(hidden) + i % static_cast<size_t>(hidden)]),
             "channel " + std::to_string(i));
    }
  }
}

BALEEN_GPU_TEST(AFailedAllocationIsNoLaunchsFault) {
  DeviceMemory memory;
  Expect(!DeviceMemory::Allocate(size_t{1} << 60, &memory).ok(), "there is room for an exbibyte");
  const DeviceArray<Bf16> table(std::vector<Bf16>(4));
  const DeviceArray<int32_t> token(std::vector<int32_t>{0});
  DeviceArray<float> residual(4);
  ExpectOk(Embed({1, 4, 1, token.data(), table.data(), residual.data()}, nullptr));
}

}  // namespace
}  // namespace baleen::cuda
