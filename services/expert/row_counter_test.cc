#include "services/expert/row_counter.h"

#include <gtest/gtest.h>

namespace baleen {
namespace {

TEST(RowCounterTest, ReportsWhatWasCountedSinceTheStart) {
  RowCounter counter;
  const std::vector<uint32_t> first{2, 0, 2}, second{5};
  counter.Count(1, first);
  counter.Count(3, second);
  for (int report = 0; report < 2; ++report) {
    v1::HeartbeatRequest heartbeat;
    counter.Report(&heartbeat);
    ASSERT_EQ(heartbeat.rows_size(), 2);
    EXPECT_EQ(heartbeat.rows(0).ShortDebugString(), "layer: 1 experts: 0 experts: 2 rows: 1 rows: 2");
    EXPECT_EQ(heartbeat.rows(1).ShortDebugString(), "layer: 3 experts: 5 rows: 1");
  }
}

}  // namespace
}  // namespace baleen
