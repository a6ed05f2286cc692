#include "services/common/trace_context.h"

#include <gtest/gtest.h>

#include "absl/strings/escaping.h"

namespace baleen {
namespace {

constexpr char kGood[] = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";

TEST(TraceContextTest, ReadsTheSpecificationsExample) {
  const auto context = ParseTraceparent(kGood);
  ASSERT_TRUE(context.has_value());
  EXPECT_EQ(absl::BytesToHexString(context->trace_id), "0af7651916cd43dd8448eb211c80319c");
  EXPECT_EQ(absl::BytesToHexString(context->span_id), "b7ad6b7169203331");
  EXPECT_TRUE(context->sampled);
}

TEST(TraceContextTest, ReadsTheSampledBitAlone) {
  EXPECT_FALSE(ParseTraceparent("00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-00")->sampled);
  EXPECT_FALSE(ParseTraceparent("00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-fe")->sampled);
}

TEST(TraceContextTest, LaterVersionsMaySayMore) {
  EXPECT_TRUE(ParseTraceparent("01-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01-more").has_value());
  EXPECT_FALSE(ParseTraceparent("01-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01more").has_value());
}

TEST(TraceContextTest, IgnoresWhatIsNone) {
  for (const char* header :
       {"", "00", "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331", "ff-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
        "00-00000000000000000000000000000000-b7ad6b7169203331-01", "00-0af7651916cd43dd8448eb211c80319c-0000000000000000-01",
        "00-0AF7651916CD43DD8448EB211C80319C-b7ad6b7169203331-01", "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01-x",
        "00-0af7651916cd43dd8448eb211c80319x-b7ad6b7169203331-01", "00_0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"}) {
    EXPECT_FALSE(ParseTraceparent(header).has_value()) << header;
  }
}

TEST(TraceContextTest, WritesWhatItReads) {
  for (const char* header :
       {"00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01", "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-00"}) {
    EXPECT_EQ(FormatTraceparent(*ParseTraceparent(header)), header);
  }
}

TEST(TraceContextTest, NewIdsDiffer) {
  EXPECT_EQ(NewSpanId().size(), 8u);
  EXPECT_NE(NewSpanId(), NewSpanId());
}

}  // namespace
}  // namespace baleen
