#include <algorithm>
#include <cstring>

#include "kernels/cuda/permute/permute.h"
#include "kernels/cuda/testing/device.h"

namespace baleen::cuda {
namespace {

using testing::DeviceArray;
using testing::Expect;
using testing::ExpectOk;

constexpr int kExperts = 40;
constexpr int kTopK = 6;

// Distinct ids, ascending.
std::vector<int32_t> RandomIds(int64_t rows, uint32_t seed) {
  std::mt19937 generator(seed);
  std::vector<int32_t> experts(kExperts);
  for (int e = 0; e < kExperts; ++e) experts[static_cast<size_t>(e)] = e;
  std::vector<int32_t> ids;
  for (int64_t row = 0; row < rows; ++row) {
    std::shuffle(experts.begin(), experts.end(), generator);
    std::sort(experts.begin(), experts.begin() + kTopK);
    ids.insert(ids.end(), experts.begin(), experts.begin() + kTopK);
  }
  return ids;
}

// Every third expert is elsewhere; the others' groups are in disorder, as shards are.
std::vector<int32_t> GroupOfExpert() {
  std::vector<int32_t> groups(kExperts, -1);
  int next = 0;
  for (int e = kExperts - 1; e >= 0; --e) {
    if (e % 3 != 0) groups[static_cast<size_t>(e)] = next++;
  }
  return groups;
}

struct Plan {
  std::vector<int32_t> group_rows;
  std::vector<int32_t> slots;
};

Plan MakePlan(RowGroups grouping, int64_t rows, int64_t capacity, const std::vector<int32_t>& ids) {
  const std::vector<int32_t> groups = GroupOfExpert();
  const int count = 1 + *std::max_element(groups.begin(), groups.end());
  const DeviceArray<int32_t> device_ids(ids);
  const DeviceArray<int32_t> device_groups(groups);
  DeviceArray<int32_t> group_rows(static_cast<size_t>(count) + 1);
  DeviceArray<int32_t> slots(ids.size());
  ExpectOk(PlanPermute(
      {rows, kTopK, kExperts, count, grouping, capacity, device_ids.data(), device_groups.data(), group_rows.data(), slots.data()},
      nullptr));
  return {group_rows.Download(), slots.Download()};
}

BALEEN_GPU_TEST(PlanPermuteOrdersByGroupRowAndK) {
  for (const int64_t rows : {0, 1, 5, 1000}) {
    const std::vector<int32_t> ids = RandomIds(rows, 1);
    const std::vector<int32_t> groups = GroupOfExpert();
    const Plan contiguous = MakePlan(RowGroups::kContiguous, rows, 0, ids);
    const Plan masked = MakePlan(RowGroups::kMasked, rows, rows + 3, ids);
    const int count = static_cast<int>(contiguous.group_rows.size()) - 1;
    int32_t next = 0;
    for (int group = 0; group < count; ++group) {
      Expect(contiguous.group_rows[static_cast<size_t>(group)] == next, "a group's begin");
      int32_t rank = 0;
      for (size_t copy = 0; copy < ids.size(); ++copy) {
        if (groups[static_cast<size_t>(ids[copy])] != group) continue;
        Expect(contiguous.slots[copy] == next + rank && masked.slots[copy] == group * (rows + 3) + rank, "a copy's slot");
        ++rank;
      }
      Expect(masked.group_rows[static_cast<size_t>(group)] == rank, "a group's count");
      next += rank;
    }
    Expect(contiguous.group_rows.back() == next, "the last group's end");
    for (size_t copy = 0; copy < ids.size(); ++copy) {
      if (groups[static_cast<size_t>(ids[copy])] < 0) Expect(contiguous.slots[copy] == -1, "a copy for an expert elsewhere");
    }
  }
}

BALEEN_GPU_TEST(PermuteCopiesRowsAndScales) {
  const int64_t rows = 33, row_bytes = 208, scale_blocks = 3;
  const std::vector<int32_t> ids = RandomIds(rows, 2);
  const Plan plan = MakePlan(RowGroups::kContiguous, rows, 0, ids);
  const int64_t slots = plan.group_rows.back();
  const std::vector<uint8_t> x = testing::RandomE4m3(static_cast<size_t>(rows * row_bytes), 3, 100);
  const std::vector<float> scales = testing::RandomF32(static_cast<size_t>(scale_blocks * 36), 4);
  const DeviceArray<uint8_t> device_x(x);
  const DeviceArray<float> device_scales(scales);
  const DeviceArray<int32_t> device_slots(plan.slots);
  DeviceArray<uint8_t> y(static_cast<size_t>(slots * row_bytes));
  DeviceArray<float> y_scales(static_cast<size_t>(scale_blocks * (slots + 1)));
  ExpectOk(Permute({rows, kTopK, row_bytes, device_x.data(), y.data(), device_slots.data(), device_scales.data(), y_scales.data(),
                    scale_blocks, 36, slots + 1},
                   nullptr));
  const std::vector<uint8_t> out = y.Download();
  const std::vector<float> out_scales = y_scales.Download();
  for (size_t copy = 0; copy < ids.size(); ++copy) {
    const int64_t slot = plan.slots[copy];
    if (slot < 0) continue;
    const int64_t row = static_cast<int64_t>(copy) / kTopK;
    Expect(std::memcmp(out.data() + slot * row_bytes, x.data() + row * row_bytes, static_cast<size_t>(row_bytes)) == 0, "a copied row");
    for (int64_t block = 0; block < scale_blocks; ++block) {
      Expect(out_scales[static_cast<size_t>(block * (slots + 1) + slot)] == scales[static_cast<size_t>(block * 36 + row)],
             "a copied scale");
    }
  }
}

// The reference's order of sums, to the bit.
BALEEN_GPU_TEST(CombineMatchesTheReference) {
  const int64_t rows = 21, hidden = 1028;
  const std::vector<int32_t> ids = RandomIds(rows, 5);
  const Plan plan = MakePlan(RowGroups::kContiguous, rows, 0, ids);
  const int64_t slots = plan.group_rows.back();
  const std::vector<Bf16> y = testing::RandomBf16(static_cast<size_t>(slots * hidden), 6);
  const std::vector<float> weights = testing::RandomF32(ids.size(), 7);
  const std::vector<Bf16> shared = testing::RandomBf16(static_cast<size_t>(rows * hidden), 8);
  const std::vector<float> residual = testing::RandomF32(static_cast<size_t>(rows * hidden), 9);
  const DeviceArray<Bf16> device_y(y);
  const DeviceArray<int32_t> device_slots(plan.slots);
  const DeviceArray<float> device_weights(weights);
  const DeviceArray<Bf16> device_shared(shared);
  const DeviceArray<float> device_residual(residual);
  ExpectOk(Combine(
      {rows, kTopK, hidden, device_y.data(), device_slots.data(), device_weights.data(), device_shared.data(), device_residual.data()},
      nullptr));
  const std::vector<float> out = device_residual.Download();
  for (int64_t row = 0; row < rows; ++row) {
    for (int64_t c = 0; c < hidden; ++c) {
      float sum = 0;
      for (int64_t copy = row * kTopK; copy < (row + 1) * kTopK; ++copy) {
        const int64_t slot = plan.slots[static_cast<size_t>(copy)];
        if (slot >= 0) sum += weights[static_cast<size_t>(copy)] * Bf16ToF32(y[static_cast<size_t>(slot * hidden + c)]);
      }
      sum += Bf16ToF32(shared[static_cast<size_t>(row * hidden + c)]);
      Expect(out[static_cast<size_t>(row * hidden + c)] == residual[static_cast<size_t>(row * hidden + c)] + sum,
             "row " + std::to_string(row));
    }
  }
}

}  // namespace
}  // namespace baleen::cuda
