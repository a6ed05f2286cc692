#include "model/layers/mla.h"

#include <cmath>
#include <vector>

#include "gtest/gtest.h"

namespace baleen {
namespace {

PackedLinear Pack(const std::vector<float>& values, int64_t rows, int64_t cols, bool transposed = false) {
  WeightView view;
  view.data = values.data();
  view.rows = rows;
  view.cols = cols;
  return transposed ? PackedLinear::PackTransposed(view, DType::kF32, Isa::kReference)
                    : PackedLinear::Pack(view, DType::kF32, Isa::kReference);
}

// Model spec section 11, item 8: two cached tokens, one head. Position 0 everywhere, so RoPE turns nothing.
TEST(MlaTest, AbsorbedFormOfTheSpecExample) {
  MlaParams params;
  params.shape = {1, 2, 2, 0.5f, DType::kF32};
  params.hidden = 4;
  params.nope = 2;
  params.v = 2;
  params.rope_frequencies = {1.0f};
  AttentionWeights weights;
  weights.q_b = Pack({1, 0, 0, 0, 0, 1, 0, 0, 0, 0, 1, 0, 0, 0, 0, 1}, 4, 4);
  weights.w_uk.push_back(Pack({1, 2, 0, -1}, 2, 2, true));
  weights.w_uv.push_back(Pack({2, 0, 1, 1}, 2, 2));
  weights.o = Pack({1, 0, 0, 1, 0, 0, 0, 0}, 4, 2);

  const float x[] = {1, -1, 0.5f, 0.5f};  // q_nope, q_pe
  const int64_t position = 0;
  float q[4], query[4];
  ProjectQuery(params, weights, x, &position, 1, {nullptr, q}, query, nullptr);
  EXPECT_EQ(std::vector<float>(query, query + 4), (std::vector<float>{1, 3, 0.5f, 0.5f}));

  std::vector<float> page(64 * 4);
  StoreKvRow((const float[]){0.5f, -1, 0.1f, 0.2f}, 4, DType::kF32, reinterpret_cast<std::byte*>(page.data()), 0);
  StoreKvRow((const float[]){1, 2, 0.3f, -0.4f}, 4, DType::kF32, reinterpret_cast<std::byte*>(page.data()), 1);
  const void* pages[] = {page.data()};
  const MlaQueryRow row = {pages, 1};
  float context[2], heads_out[2], y[4];
  MlaAttention(params.shape, &row, 1, query, context, Isa::kReference, nullptr);
  ProjectOutput(params, weights, context, 1, heads_out, y, nullptr);
  EXPECT_NEAR(y[0], 1.9905289564, 2e-6);
  EXPECT_NEAR(y[1], 2.9668513475, 2e-6);
}

TEST(MlaTest, KvRowIsNormedLatentThenRotatedKey) {
  MlaParams params;
  params.shape = {1, 4, 4, 1.0f, DType::kF32};
  params.hidden = 8;
  params.rope_frequencies = {1.0f, 0.01f};
  AttentionWeights weights;
  std::vector<float> identity(64);
  for (int i = 0; i < 8; ++i) identity[i * 9] = 1;
  weights.kv_a = Pack(identity, 8, 8);
  weights.kv_a_norm = {1, 1, 1, 1};
  const float x[] = {1, 2, 3, 4, 1, 2, 3, 4, 1e-3f, 1e-3f, 1e-3f, 1e-3f, 1, 2, 3, 4};
  const int64_t positions[] = {3, 0};
  float kv[16];
  ProjectKv(params, weights, x, positions, 2, kv, nullptr);
  const double expected[] = {0.365148,  0.730297,  1.095445, 1.460593, -1.272233, -1.838865, 2.878668, 4.088187,
                             0.7071068, 0.7071068, 0.707107, 0.707107, 1,         2,         3,        4};
  for (int i = 0; i < 16; ++i) EXPECT_NEAR(kv[i], expected[i], 1e-5) << i;
}

TEST(MlaTest, KvRowsAreRoundedToBf16) {
  const float row[] = {0.1f, 1.0f + 0x1p-8f};
  std::vector<Bf16> page(64 * 2);
  StoreKvRow(row, 2, DType::kBf16, reinterpret_cast<std::byte*>(page.data()), 63);
  EXPECT_EQ(Bf16ToF32(page[126]), 0.10009765625f);
  EXPECT_EQ(Bf16ToF32(page[127]), 1.0f);
  EXPECT_EQ(page[125], 0);
}

// The absorbed path against the naive form in double, several heads and tokens.
TEST(MlaTest, AgreesWithTheNaiveForm) {
  constexpr int kHeads = 3, kLora = 6, kRope = 4, kNope = 5, kV = 7, kTokens = 70;
  uint32_t state = 7;
  const auto random = [&state](int64_t count) {
    std::vector<float> values(count);
    for (float& value : values) value = static_cast<float>((state = state * 1664525u + 1013904223u) >> 8) * 0x1p-23f - 1.0f;
    return values;
  };
  const std::vector<float> kv = random(kTokens * (kLora + kRope)), w_uk = random(kHeads * kNope * kLora);
  const std::vector<float> w_uv = random(kHeads * kV * kLora), q = random(kHeads * (kNope + kRope));
  MlaParams params;
  params.shape = {kHeads, kLora, kRope, 0.3f, DType::kF32};
  params.hidden = kHeads * kV;
  params.nope = kNope;
  params.v = kV;
  params.rope_frequencies = {1, 0.1f};
  AttentionWeights weights;
  std::vector<float> identity_q(q.size() * q.size()), identity_o(params.hidden * params.hidden);
  for (size_t i = 0; i < q.size(); ++i) identity_q[i * (q.size() + 1)] = 1;
  for (int64_t i = 0; i < params.hidden; ++i) identity_o[i * (params.hidden + 1)] = 1;
  weights.o = Pack(identity_o, params.hidden, params.hidden);
  for (int h = 0; h < kHeads; ++h) {
    weights.w_uk.push_back(Pack({w_uk.begin() + h * kNope * kLora, w_uk.begin() + (h + 1) * kNope * kLora}, kNope, kLora, true));
    weights.w_uv.push_back(Pack({w_uv.begin() + h * kV * kLora, w_uv.begin() + (h + 1) * kV * kLora}, kV, kLora));
  }
  MlaParams query_params = params;
  query_params.hidden = static_cast<int64_t>(q.size());
  weights.q_b = Pack(identity_q, query_params.hidden, query_params.hidden);
  std::vector<float> q_out(q.size()), query(kHeads * (kLora + kRope)), context(kHeads * kLora), heads_out(params.hidden), y(params.hidden);
  const int64_t position = 0;
  ProjectQuery(query_params, weights, q.data(), &position, 1, {nullptr, q_out.data()}, query.data(), nullptr);
  std::vector<float> pages_memory(2 * 64 * (kLora + kRope));
  std::copy(kv.begin(), kv.end(), pages_memory.begin());
  const void* pages[] = {pages_memory.data(), pages_memory.data() + 64 * (kLora + kRope)};
  const MlaQueryRow row = {pages, kTokens - 1};
  MlaAttention(params.shape, &row, 1, query.data(), context.data(), Isa::kReference, nullptr);
  ProjectOutput(params, weights, context.data(), 1, heads_out.data(), y.data(), nullptr);

  for (int h = 0; h < kHeads; ++h) {
    std::vector<double> out(kV);
    double total = 0;
    for (int t = 0; t < kTokens; ++t) {
      const float* c = &kv[t * (kLora + kRope)];
      double score = 0;
      for (int i = 0; i < kNope; ++i) {
        double k_nope = 0;
        for (int l = 0; l < kLora; ++l) k_nope += w_uk[(h * kNope + i) * kLora + l] * c[l];
        score += q[h * (kNope + kRope) + i] * k_nope;
      }
      for (int i = 0; i < kRope; ++i) score += q[h * (kNope + kRope) + kNope + i] * c[kLora + i];
      const double p = std::exp(0.3 * score);
      total += p;
      for (int i = 0; i < kV; ++i) {
        for (int l = 0; l < kLora; ++l) out[i] += p * w_uv[(h * kV + i) * kLora + l] * c[l];
      }
    }
    for (int i = 0; i < kV; ++i) EXPECT_NEAR(y[h * kV + i], out[i] / total, 2e-5) << h << " " << i;
  }
}

}  // namespace
}  // namespace baleen
