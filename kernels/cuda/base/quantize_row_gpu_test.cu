#include <cmath>

#include "kernels/cuda/base/division.h"
#include "kernels/cuda/base/quantize_row.h"
#include "kernels/cuda/base/sigmoid.h"
#include "kernels/cuda/testing/device.h"
#include "kernels/math_inline.h"

namespace baleen::cuda {
namespace {

using testing::DeviceArray;
using testing::Expect;

__global__ void QuantizeAll(const float* x, uint32_t* codes, int fours) {
  const int i = blockIdx.x * blockDim.x + threadIdx.x;
  if (i < fours) codes[i] = QuantizeFour(x[4 * i], x[4 * i + 1], x[4 * i + 2], x[4 * i + 3], 1.0f);
}

// The device's conversion instruction and the host's function agree, on every border between codes and next to it.
BALEEN_GPU_TEST(DeviceQuantisesLikeTheHost) {
  std::vector<float> x = {0.0f, -0.0f, 1e-30f, 1e30f, -1e30f, INFINITY, -INFINITY, 464.0f, 465.0f, 448.0f};
  for (int code = 0; code < 0x7e; ++code) {
    const float low = F8E4m3ToF32(static_cast<uint8_t>(code));
    const float border = (low + F8E4m3ToF32(static_cast<uint8_t>(code + 1))) / 2;
    for (const float value : {low, std::nextafterf(border, 0.0f), border, std::nextafterf(border, 1e9f)}) {
      x.push_back(value);
      x.push_back(-value);
    }
  }
  for (const float value : testing::RandomF32(4096, 1, 100)) x.push_back(value);
  while (x.size() % 4 != 0) x.push_back(1);
  const int fours = static_cast<int>(x.size() / 4);
  const DeviceArray<float> device_x(x);
  DeviceArray<uint32_t> codes(x.size() / 4);
  QuantizeAll<<<(fours + 127) / 128, 128>>>(device_x.data(), codes.data(), fours);
  const std::vector<uint32_t> out = codes.Download();
  for (size_t i = 0; i < out.size(); ++i) {
    Expect(out[i] == QuantizeFour(x[4 * i], x[4 * i + 1], x[4 * i + 2], x[4 * i + 3], 1.0f), "codes from value " + std::to_string(4 * i));
  }
}

// Counts the floats between two of one sign for which `wrong` says so.
template <typename Wrong>
__global__ void CountWrong(float first, float last, Wrong wrong, uint32_t* count) {
  const uint64_t end = __float_as_uint(last);
  for (uint64_t bits = __float_as_uint(first) + uint64_t{blockIdx.x} * blockDim.x + threadIdx.x; bits < end;
       bits += uint64_t{gridDim.x} * blockDim.x) {
    if (wrong(__uint_as_float(static_cast<uint32_t>(bits)))) atomicAdd(count, 1u);
  }
}
constexpr int kBlocks = 1056;

struct WrongReciprocal {
  __device__ bool operator()(float x) const { return UsualReciprocal(x) != 1.0f / x; }
};
struct WrongQuotient {
  float divisor;
  __device__ bool operator()(float x) const { return UsualDivision(divisor).Of(x) != x / divisor; }
};

// Of every float in the range.
BALEEN_GPU_TEST(DeviceDividesUsualNumbersLikeTheHost) {
  const DeviceArray<uint32_t> wrong(std::vector<uint32_t>(2, 0u));
  CountWrong<<<kBlocks, 256>>>(0x1p-20f, 0x1p120f, WrongReciprocal(), wrong.data());
  for (const float divisor : {0x1p-20f, 0.01f, 0.3f, 0.6f, 0.7f, 1.0f, 1.3f, 1.999f, 0x1p20f}) {
    CountWrong<<<kBlocks, 256>>>(-0x1p-60f, -0x1p60f, WrongQuotient{divisor}, wrong.data() + 1);
  }
  const std::vector<uint32_t> counts = wrong.Download();
  Expect(counts[0] == 0, std::to_string(counts[0]) + " reciprocals differ");
  Expect(counts[1] == 0, std::to_string(counts[1]) + " quotients differ");
}

struct Elementary {
  float exp, log, sine, cosine, sigmoid, sigmoid_f32, quotient;
};

__host__ __device__ Elementary EvaluateAt(float x) {
  Elementary at;
  at.exp = math::Exp(x);
  at.log = math::Log(x);
  math::SinCos(x * 1000, &at.sine, &at.cosine);
  at.sigmoid = math::Sigmoid(x);
  at.sigmoid_f32 = SigmoidF32(x);
  at.quotient = x / 0.7f;
  return at;
}

__global__ void EvaluateAll(const float* x, Elementary* out, int count) {
  const int i = blockIdx.x * blockDim.x + threadIdx.x;
  if (i < count) out[i] = EvaluateAt(x[i]);
}

// Elementary functions have one set of bits, wherever they are computed.
BALEEN_GPU_TEST(DeviceComputesElementaryFunctionsLikeTheHost) {
  std::vector<float> x = testing::RandomF32(20000, 2, 20);
  for (const float value : {0.0f, 100.0f, -100.0f, 88.9f, -104.5f, 1e-40f}) x.push_back(value);
  const int count = static_cast<int>(x.size());
  const DeviceArray<float> device_x(x);
  DeviceArray<Elementary> device_out(x.size());
  EvaluateAll<<<(count + 127) / 128, 128>>>(device_x.data(), device_out.data(), count);
  const std::vector<Elementary> out = device_out.Download();
  for (size_t i = 0; i < x.size(); ++i) {
    const Elementary host = EvaluateAt(x[i]);
    const auto same = [](float a, float b) { return a == b || (a != a && b != b); };
    Expect(same(host.exp, out[i].exp) && same(host.log, out[i].log) && same(host.sine, out[i].sine) && same(host.cosine, out[i].cosine) &&
               same(host.sigmoid, out[i].sigmoid) && same(host.sigmoid_f32, out[i].sigmoid_f32) && same(host.quotient, out[i].quotient),
           "at " + std::to_string(x[i]));
  }
}

}  // namespace
}  // namespace baleen::cuda
