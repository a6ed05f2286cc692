#include "kernels/mla_attention.h"

#include <cmath>
#include <cstring>
#include <random>
#include <string>
#include <vector>

#include "gtest/gtest.h"

namespace baleen {
namespace {

constexpr Isa kIsas[] = {Isa::kReference, Isa::kAvx2, Isa::kAvx512, Isa::kAmx};

// One sequence's pages; positions not yet written hold NaN.
class Sequence {
 public:
  Sequence(const MlaShape& shape, int64_t positions, uint32_t seed) : shape_(shape), width_(shape.kv_lora + shape.rope) {
    const int64_t blocks = (positions + kKvBlockTokens - 1) / kKvBlockTokens;
    values_.assign(blocks * kKvBlockTokens * width_, NAN);
    std::mt19937 generator(seed);
    std::normal_distribution<float> normal;
    for (int64_t i = 0; i < positions * width_; ++i) {
      values_[i] = normal(generator);
      if (shape.kv_dtype == DType::kBf16) values_[i] = Bf16ToF32(F32ToBf16(values_[i]));
    }
    for (const float value : values_) bf16_.push_back(F32ToBf16(value));
    for (int64_t b = 0; b < blocks; ++b) {
      const int64_t offset = b * kKvBlockTokens * width_;
      pages_.push_back(shape.kv_dtype == DType::kBf16 ? static_cast<const void*>(bf16_.data() + offset) : values_.data() + offset);
    }
  }

  MlaQueryRow At(int64_t position) const { return {pages_.data(), position}; }

  // softmax(scale * q k) c in doubles for one head.
  std::vector<double> Attend(int64_t position, const float* query) const {
    std::vector<double> scores;
    double top = -INFINITY;
    for (int64_t t = 0; t <= position; ++t) {
      double dot = 0;
      for (int64_t c = 0; c < width_; ++c) dot += static_cast<double>(query[c]) * values_[t * width_ + c];
      scores.push_back(shape_.scale * dot);
      top = std::fmax(top, scores.back());
    }
    double sum = 0;
    std::vector<double> out(shape_.kv_lora, 0.0);
    for (int64_t t = 0; t <= position; ++t) {
      const double weight = std::exp(scores[t] - top);
      sum += weight;
      for (int64_t c = 0; c < shape_.kv_lora; ++c) out[c] += weight * values_[t * width_ + c];
    }
    for (double& value : out) value /= sum;
    return out;
  }

 private:
  MlaShape shape_;
  int64_t width_;
  std::vector<float> values_;
  std::vector<Bf16> bf16_;
  std::vector<const void*> pages_;
};

std::vector<float> RandomQuery(const MlaShape& shape, int64_t rows, uint32_t seed) {
  std::mt19937 generator(seed);
  std::normal_distribution<float> normal;
  std::vector<float> query(rows * shape.heads * (shape.kv_lora + shape.rope));
  for (float& value : query) value = normal(generator);
  return query;
}

std::vector<float> Attention(const MlaShape& shape, const std::vector<MlaQueryRow>& rows, const float* query, Isa isa,
                             ThreadPool* pool = nullptr) {
  std::vector<float> out(rows.size() * shape.heads * shape.kv_lora, NAN);
  MlaAttention(shape, rows.data(), static_cast<int64_t>(rows.size()), query, out.data(), isa, pool);
  return out;
}

class MlaAttentionTest : public testing::TestWithParam<std::tuple<Isa, DType>> {
 protected:
  void SetUp() override {
    if (!Supported(isa())) GTEST_SKIP() << "this CPU lacks " << NameOf(isa());
  }
  Isa isa() const { return std::get<0>(GetParam()); }
  DType kv_dtype() const { return std::get<1>(GetParam()); }
};

INSTANTIATE_TEST_SUITE_P(All, MlaAttentionTest, testing::Combine(testing::ValuesIn(kIsas), testing::Values(DType::kF32, DType::kBf16)),
                         [](const auto& info) {
                           return std::string(NameOf(std::get<0>(info.param))) + "_" + NameOf(std::get<1>(info.param));
                         });

TEST_P(MlaAttentionTest, AgreesWithDoubles) {
  // With AMX, weights are rounded to BF16: off by 2^-9 of the greatest value, about 4. Queries are too, which is not held against it.
  const bool rounds = isa() == Isa::kAmx && kv_dtype() == DType::kBf16;
  const double tolerance = rounds ? 8e-3 : 1e-5;
  const MlaShape shapes[] = {{.heads = 5, .kv_lora = 64, .rope = 16, .scale = 0.11f, .kv_dtype = kv_dtype()},
                             {.heads = 21, .kv_lora = 48, .rope = 10, .scale = 0.2f, .kv_dtype = kv_dtype()},
                             {.heads = 4, .kv_lora = 37, .rope = 6, .scale = 0.3f, .kv_dtype = kv_dtype()},
                             {.heads = 1, .kv_lora = 100, .rope = 8, .scale = 1.0f, .kv_dtype = kv_dtype()}};
  for (const MlaShape& shape : shapes) {
    for (const int64_t position : {0, 1, 62, 63, 64, 65, 200}) {
      const Sequence sequence(shape, position + 1, 1);
      std::vector<float> query = RandomQuery(shape, 1, 2);
      for (float& value : query) value = rounds ? Bf16ToF32(F32ToBf16(value)) : value;
      const std::vector<float> out = Attention(shape, {sequence.At(position)}, query.data(), isa());
      for (int head = 0; head < shape.heads; ++head) {
        const std::vector<double> expected = sequence.Attend(position, query.data() + head * (shape.kv_lora + shape.rope));
        for (int c = 0; c < shape.kv_lora; ++c) {
          ASSERT_NEAR(out[head * shape.kv_lora + c], expected[c], tolerance)
              << "position " << position << " head " << head << " channel " << c;
        }
      }
    }
  }
}

// The contract: neither the other rows, nor sharing of pages, nor the thread count changes a bit of a row.
TEST_P(MlaAttentionTest, RowsAreInvariant) {
  const MlaShape shape = {.heads = 6, .kv_lora = 48, .rope = 8, .scale = 0.2f, .kv_dtype = kv_dtype()};
  const Sequence first(shape, 200, 3);
  const Sequence second(shape, 130, 4);
  std::vector<MlaQueryRow> rows;
  for (int64_t position = 100; position < 140; ++position) rows.push_back(first.At(position));
  rows.push_back(second.At(129));
  rows.push_back(second.At(3));
  rows.push_back(first.At(199));
  const int64_t row_in = shape.heads * (shape.kv_lora + shape.rope);
  const int64_t row_out = shape.heads * shape.kv_lora;
  const std::vector<float> query = RandomQuery(shape, static_cast<int64_t>(rows.size()), 5);
  const std::vector<float> together = Attention(shape, rows, query.data(), isa());
  for (const int threads : {2, 3}) {
    ThreadPool pool(threads);
    const std::vector<float> parallel = Attention(shape, rows, query.data(), isa(), &pool);
    EXPECT_EQ(std::memcmp(together.data(), parallel.data(), together.size() * sizeof(float)), 0);
  }
  for (size_t i = 0; i < rows.size(); ++i) {
    const std::vector<float> alone = Attention(shape, {rows[i]}, query.data() + i * row_in, isa());
    EXPECT_EQ(std::memcmp(alone.data(), together.data() + i * row_out, row_out * sizeof(float)), 0) << "row " << i;
  }
}

// Over several segments of keys, at their ends, and where they become twice as long: close to doubles, and the same bits whether a row is
// computed alone or with others, segment after segment or all at once.
TEST_P(MlaAttentionTest, SegmentsAreInvariant) {
  const MlaShape shape = {.heads = 2, .kv_lora = 16, .rope = 2, .scale = 0.5f, .kv_dtype = kv_dtype()};
  const int64_t row_in = shape.heads * (shape.kv_lora + shape.rope);
  const int64_t row_out = shape.heads * shape.kv_lora;
  const bool rounds = isa() == Isa::kAmx && kv_dtype() == DType::kBf16;
  const Sequence sequence(shape, 33000, 6);
  std::vector<MlaQueryRow> rows;
  for (const int64_t position : {2046, 2047, 2048, 2111, 2112, 4095, 4096, 5000, 32766, 32767, 32768, 32999})
    rows.push_back(sequence.At(position));
  std::vector<float> query = RandomQuery(shape, static_cast<int64_t>(rows.size()), 7);
  for (float& value : query) value = Bf16ToF32(F32ToBf16(value));
  const std::vector<float> together = Attention(shape, rows, query.data(), isa());
  ThreadPool pool(3);
  for (size_t i = 0; i < rows.size(); ++i) {
    const float* const mine = query.data() + i * row_in;
    const std::vector<float> alone = Attention(shape, {rows[i]}, mine, isa());
    const std::vector<float> parallel = Attention(shape, {rows[i]}, mine, isa(), &pool);
    EXPECT_EQ(std::memcmp(alone.data(), together.data() + i * row_out, row_out * sizeof(float)), 0) << "position " << rows[i].position;
    EXPECT_EQ(std::memcmp(parallel.data(), together.data() + i * row_out, row_out * sizeof(float)), 0) << "position " << rows[i].position;
    const std::vector<double> expected = sequence.Attend(rows[i].position, mine);
    for (int c = 0; c < shape.kv_lora; ++c) ASSERT_NEAR(alone[c], expected[c], rounds ? 8e-3 : 2e-5) << "position " << rows[i].position;
  }
}

// What a row may not see does not reach it, an infinity included, though rows that see it share the walk.
TEST_P(MlaAttentionTest, LaterKeysMayBeAnything) {
  const MlaShape shape = {.heads = 3, .kv_lora = 16, .rope = 2, .scale = 0.3f, .kv_dtype = kv_dtype()};
  constexpr int64_t kWidth = 18;
  std::vector<float> keys(kKvBlockTokens * kWidth);
  for (size_t i = 0; i < keys.size(); ++i) keys[i] = static_cast<float>(i % 7) - 3;
  keys[20 * kWidth + 5] = INFINITY;
  keys[21 * kWidth + 1] = NAN;
  std::vector<Bf16> bf16;
  for (const float value : keys) bf16.push_back(F32ToBf16(value));
  const void* page = kv_dtype() == DType::kBf16 ? static_cast<const void*>(bf16.data()) : keys.data();
  const std::vector<float> query = RandomQuery(shape, 4, 9);
  const std::vector<float> together = Attention(shape, {{&page, 18}, {&page, 19}, {&page, 20}, {&page, 30}}, query.data(), isa());
  const int64_t row_out = shape.heads * shape.kv_lora;
  for (int64_t row = 0; row < 2; ++row) {
    const std::vector<float> alone = Attention(shape, {{&page, 18 + row}}, query.data() + row * shape.heads * kWidth, isa());
    EXPECT_EQ(std::memcmp(alone.data(), together.data() + row * row_out, row_out * sizeof(float)), 0) << "row " << row;
    for (int64_t i = 0; i < row_out; ++i) EXPECT_TRUE(std::isfinite(alone[i]));
  }
}

// A later block with a far larger score makes all earlier ones vanish.
TEST_P(MlaAttentionTest, LargeScoresDoNotOverflow) {
  const MlaShape shape = {.heads = 1, .kv_lora = 16, .rope = 2, .scale = 1.0f, .kv_dtype = DType::kF32};
  std::vector<float> keys(2 * kKvBlockTokens * 18, 0.5f);
  for (int c = 0; c < 18; ++c) keys[70 * 18 + c] = 100.0f;
  const void* pages[] = {keys.data(), keys.data() + kKvBlockTokens * 18};
  const std::vector<float> query(18, 10.0f);
  const std::vector<float> out = Attention(shape, {{pages, 127}}, query.data(), isa());
  for (const float value : out) EXPECT_EQ(value, 100.0f);
}

// Model spec section 11, item 8: the absorbed form gives what the naive one does.
TEST_P(MlaAttentionTest, AbsorbedFormOfTheSpec) {
  const MlaShape shape = {.heads = 1, .kv_lora = 2, .rope = 2, .scale = 0.5f, .kv_dtype = DType::kF32};
  std::vector<float> keys(kKvBlockTokens * 4, NAN);
  const float values[] = {.5f, -1, .1f, .2f, 1, 2, .3f, -.4f};
  std::copy_n(values, 8, keys.begin());
  const void* page = keys.data();
  const float query[] = {1, 3, .5f, .5f};
  const std::vector<float> u = Attention(shape, {{&page, 1}}, query, isa());
  EXPECT_NEAR(2 * u[0], 1.9905289564, 1e-6);
  EXPECT_NEAR(u[0] + u[1], 2.9668513475, 1e-6);
}

}  // namespace
}  // namespace baleen
