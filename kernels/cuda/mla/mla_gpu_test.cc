#include <algorithm>
#include <cmath>
#include <cstring>

#include "kernels/cuda/mla/mla.h"
#include "kernels/cuda/mla/splits.h"
#include "kernels/cuda/testing/device.h"

namespace baleen::cuda {
namespace {

using testing::DeviceArray;
using testing::Expect;
using testing::ExpectClose;
using testing::ExpectOk;

constexpr float kScale = 0.1352337788608801f;
constexpr Bf16 kNaN = 0x7fc0;

// Sequences over pages that lie in disorder; positions not yet written hold NaN.
class Pages {
 public:
  explicit Pages(const std::vector<int64_t>& lengths, int latent = kMlaLatent, int rope = kMlaRope)
      : latent_(latent), width_(latent + rope) {
    int64_t pages = 3;  // That belong to nobody.
    for (const int64_t length : lengths) pages += (length + 63) / 64;
    values_.assign(static_cast<size_t>(pages * 64 * width_), kNaN);
    std::mt19937 generator(3);
    std::vector<int32_t> order(static_cast<size_t>(pages));
    for (size_t i = 0; i < order.size(); ++i) order[i] = static_cast<int32_t>(i);
    std::shuffle(order.begin(), order.end(), generator);
    std::normal_distribution<float> normal;
    auto next = order.begin();
    for (const int64_t length : lengths) {
      first_block_.push_back(static_cast<int32_t>(blocks_.size()));
      for (int64_t begin = 0; begin < length; begin += 64) {
        blocks_.push_back(*next++);
        const int64_t count = std::min<int64_t>(64, length - begin);
        for (int64_t i = 0; i < count * width_; ++i)
          values_[static_cast<size_t>(blocks_.back()) * 64 * width_ + i] = F32ToBf16(normal(generator));
      }
    }
    page_count_ = pages;
  }

  const std::vector<Bf16>& values() const { return values_; }
  const std::vector<int32_t>& blocks() const { return blocks_; }
  int32_t first_block(int sequence) const { return first_block_[static_cast<size_t>(sequence)]; }
  int64_t page_count() const { return page_count_; }
  int latent() const { return latent_; }
  int width() const { return width_; }
  const Bf16* Key(int sequence, int64_t position) const {
    const int64_t page = blocks_[static_cast<size_t>(first_block(sequence) + position / 64)];
    return values_.data() + (page * 64 + position % 64) * width_;
  }

 private:
  std::vector<Bf16> values_;
  std::vector<int32_t> blocks_;
  std::vector<int32_t> first_block_;
  int64_t page_count_ = 0;
  int latent_;
  int width_;
};

struct Row {
  int sequence;
  int32_t position;
};

std::vector<Bf16> Attend(const Pages& pages, const std::vector<Row>& rows, int heads, const std::vector<Bf16>& query, int64_t largest) {
  std::vector<int32_t> first_block;
  std::vector<int32_t> positions;
  for (const Row& row : rows) {
    first_block.push_back(pages.first_block(row.sequence));
    positions.push_back(row.position);
  }
  const DeviceArray<Bf16> device_query(query);
  const DeviceArray<Bf16> device_pages(pages.values());
  const DeviceArray<int32_t> blocks(pages.blocks());
  const DeviceArray<int32_t> device_first(first_block);
  const DeviceArray<int32_t> device_positions(positions);
  DeviceArray<Bf16> context(rows.size() * static_cast<size_t>(heads * pages.latent()));
  const int64_t count = static_cast<int64_t>(rows.size());
  DeviceArray<float> workspace(static_cast<size_t>(MlaWorkspaceFloats(count, heads, largest)));
  MlaArgs args;
  args.rows = count;
  args.heads = heads;
  args.latent = pages.latent();
  args.rope = pages.width() - pages.latent();
  args.scale = kScale;
  args.largest_position = largest;
  args.query = device_query.data();
  args.pages = device_pages.data();
  args.page_count = pages.page_count();
  args.blocks = blocks.data();
  args.first_block = device_first.data();
  args.positions = device_positions.data();
  args.context = context.data();
  args.workspace = workspace.data();
  ExpectOk(Mla(args, nullptr));
  return context.Download();
}

// softmax(scale q k) c of one head in doubles.
void AttendInDoubles(const Pages& pages, const Row& row, const Bf16* query, std::vector<double>* out) {
  std::vector<double> scores;
  double top = -INFINITY;
  for (int64_t t = 0; t <= row.position; ++t) {
    const Bf16* const key = pages.Key(row.sequence, t);
    double dot = 0;
    for (int c = 0; c < pages.width(); ++c) dot += static_cast<double>(Bf16ToF32(query[c])) * Bf16ToF32(key[c]);
    scores.push_back(kScale * dot);
    top = std::fmax(top, scores.back());
  }
  double total = 0;
  std::vector<double> sum(static_cast<size_t>(pages.latent()), 0);
  for (int64_t t = 0; t <= row.position; ++t) {
    const double weight = std::exp(scores[static_cast<size_t>(t)] - top);
    const Bf16* const key = pages.Key(row.sequence, t);
    total += weight;
    for (int c = 0; c < pages.latent(); ++c) sum[static_cast<size_t>(c)] += weight * Bf16ToF32(key[c]);
  }
  for (const double value : sum) out->push_back(value / total);
}

void CheckRows(const Pages& pages, const std::vector<Row>& rows, int heads, float query_scale) {
  const std::vector<Bf16> query = testing::RandomBf16(rows.size() * static_cast<size_t>(heads * pages.width()), 5, query_scale);
  int64_t largest = 0;
  for (const Row& row : rows) largest = std::max<int64_t>(largest, row.position);
  const std::vector<Bf16> context = Attend(pages, rows, heads, query, largest);
  // All heads of a row see the same keys; some of them are looked at.
  std::vector<double> out;
  std::vector<double> reference;
  for (size_t r = 0; r < rows.size(); ++r) {
    for (int head = 0; head<heads; head += heads> 8 ? 13 : 1) {
      const size_t at = r * static_cast<size_t>(heads) + static_cast<size_t>(head);
      for (int c = 0; c < pages.latent(); ++c)
        out.push_back(Bf16ToF32(context[at * static_cast<size_t>(pages.latent()) + static_cast<size_t>(c)]));
      AttendInDoubles(pages, rows[r], query.data() + at * static_cast<size_t>(pages.width()), &reference);
    }
  }
  // Weights and results are rounded to BF16.
  ExpectClose(out, reference, 8e-3, std::to_string(heads) + " heads, up to position " + std::to_string(largest));
}

BALEEN_GPU_TEST(MlaAgreesWithDoubles) {
  const Pages pages({300, 65, 1});
  for (const int heads : {1, 16, 64, 100, 128}) {
    CheckRows(pages, {{2, 0}, {1, 64}, {1, 63}, {0, 1}, {0, 127}, {0, 128}, {0, 299}}, heads, 0.3f);
  }
  CheckRows(pages, {{0, 200}, {0, 299}}, 128, 3.0f);  // Weights concentrate on few keys.
}

// V3's number, of which the emulation needs few: it computes each head by itself.
int ManyHeads() { return DeviceIsEmulated() ? 8 : 128; }

BALEEN_GPU_TEST(MlaMergesSplits) {
  const Pages pages({2 * kSplitKeys + 70, 100});
  CheckRows(pages, {{0, kSplitKeys - 1}, {0, kSplitKeys}, {0, 2 * kSplitKeys - 1}, {0, 2 * kSplitKeys + 69}, {1, 99}}, ManyHeads(), 0.3f);
}

BALEEN_GPU_TEST(MlaOfOtherShapesAgreesWithDoubles) {
  CheckRows(Pages({300, 1}, 64, 16), {{1, 0}, {0, 0}, {0, 63}, {0, 64}, {0, 299}}, 4, 0.6f);
  CheckRows(Pages({130}, 1024, 256), {{0, 129}}, 3, 0.3f);
}

// Whether rows, every `step`-th of which is looked at, get the same bits alone.
void CheckInvariance(const Pages& pages, const std::vector<Row>& rows, int heads, int64_t largest, size_t step) {
  const size_t row_in = static_cast<size_t>(heads) * kMlaWidth;
  const size_t row_out = static_cast<size_t>(heads) * kMlaLatent;
  const std::vector<Bf16> query = testing::RandomBf16(rows.size() * row_in, 7, 0.3f);
  const std::vector<Bf16> together = Attend(pages, rows, heads, query, largest);
  for (size_t i = 0; i < rows.size(); i += step) {
    const std::vector<Bf16> own(query.begin() + static_cast<std::ptrdiff_t>(i * row_in),
                                query.begin() + static_cast<std::ptrdiff_t>((i + 1) * row_in));
    const std::vector<Bf16> alone = Attend(pages, {rows[i]}, heads, own, rows[i].position);
    Expect(std::memcmp(alone.data(), together.data() + i * row_out, row_out * sizeof(Bf16)) == 0,
           "row " + std::to_string(i) + " differs alone");
  }
}

// The contract: neither other rows nor the launch's size changes a bit; a prompt's rows give what single steps give.
BALEEN_GPU_TEST(MlaRowsAreInvariant) {
  const Pages pages({kSplitKeys + 200, 130});
  std::vector<Row> rows;
  for (int32_t position = kSplitKeys - 20; position < kSplitKeys + 20; ++position) rows.push_back({0, position});
  rows.push_back({1, 129});
  rows.push_back({1, 3});
  CheckInvariance(pages, rows, ManyHeads(), 5 * kSplitKeys, 3);
}

// So many rows of so different lengths that every thread block goes through several splits of several rows.
BALEEN_GPU_TEST(MlaManyRowsAreInvariant) {
  const Pages pages({2 * kSplitKeys + 100});
  std::mt19937 generator(11);
  std::vector<Row> rows;
  for (int i = 0; i < 600; ++i) {
    const int32_t longest = i % 7 == 0 ? 2 * kSplitKeys + 99 : 200;
    rows.push_back({0, static_cast<int32_t>(generator() % static_cast<uint32_t>(longest + 1))});
  }
  CheckInvariance(pages, rows, 2, 2 * kSplitKeys + 99, 17);
}

}  // namespace
}  // namespace baleen::cuda
