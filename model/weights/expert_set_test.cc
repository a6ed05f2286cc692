#include "model/weights/expert_set.h"

#include <gtest/gtest.h>

namespace baleen {
namespace {

TEST(ExpertSetTest, HasWhatWasAddedAndNothingElse) {
  ExpertSet set;
  EXPECT_FALSE(set.Has(0, 0));
  set.Add(3, 200);
  set.Add(1, 0);
  set.Add(3, 7);
  for (int layer = -1; layer < 6; ++layer) {
    for (int expert = -1; expert < 300; ++expert) {
      const bool added = (layer == 3 && (expert == 200 || expert == 7)) || (layer == 1 && expert == 0);
      EXPECT_EQ(set.Has(layer, expert), added) << layer << " " << expert;
    }
  }
}

}  // namespace
}  // namespace baleen
