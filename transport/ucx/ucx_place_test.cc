#include "transport/ucx/ucx_place.h"

#include <gtest/gtest.h>

namespace baleen {
namespace {

TEST(UcxPlaceTest, ThisProcessCanWakeItself) {
  const UcxPlace place = ThisPlace({.devices = "sm,lo"});
  EXPECT_FALSE(place.host.empty());
  EXPECT_FALSE(place.network_namespace.empty());
  EXPECT_FALSE(CannotWake(place, place));
}

TEST(UcxPlaceTest, AnotherNamespaceOfTheSameHostCannotBeWoken) {
  const UcxPlace here{.host = "a", .network_namespace = "net:[1]"};
  EXPECT_TRUE(CannotWake(here, {.host = "a", .network_namespace = "net:[2]"}));
  EXPECT_FALSE(CannotWake(here, {.host = "b", .network_namespace = "net:[2]"})) << "not in shared memory at all";
}

TEST(UcxPlaceTest, WithoutSharedMemoryThereIsNobodyToWake) {
  const UcxPlace none = ThisPlace({.devices = "lo"});
  EXPECT_EQ(none.host, "");
  EXPECT_FALSE(CannotWake(none, {.host = "a", .network_namespace = "net:[2]"}));
  EXPECT_FALSE(CannotWake({.host = "a", .network_namespace = "net:[2]"}, none));
}

}  // namespace
}  // namespace baleen
