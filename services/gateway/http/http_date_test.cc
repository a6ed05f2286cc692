#include "services/gateway/http/http_date.h"

#include <gtest/gtest.h>

namespace baleen {
namespace {

TEST(HttpDateTest, IsTheStandardsForm) {
  EXPECT_EQ(HttpDate(784111777), "Sun, 06 Nov 1994 08:49:37 GMT");
  EXPECT_EQ(HttpDate(784111777), "Sun, 06 Nov 1994 08:49:37 GMT");
  EXPECT_EQ(HttpDate(784111778), "Sun, 06 Nov 1994 08:49:38 GMT");
  EXPECT_EQ(HttpDate(0), "Thu, 01 Jan 1970 00:00:00 GMT");
}

}  // namespace
}  // namespace baleen
