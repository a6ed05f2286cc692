#include "services/gateway/resume/event_cursor.h"

#include <gtest/gtest.h>

#include <random>
#include <string>
#include <utility>
#include <vector>

namespace baleen {
namespace {

constexpr int64_t kMost = 100;

EventCursor After(const std::string& id, size_t choices) {
  absl::StatusOr<EventCounts> had = ParseEventId(id);
  EXPECT_TRUE(had.ok()) << had.status();
  absl::StatusOr<EventCursor> cursor = EventCursor::After(*std::move(had), choices, kMost);
  EXPECT_TRUE(cursor.ok()) << cursor.status();
  return *std::move(cursor);
}

TEST(EventCursorTest, ALoneChoicesEventsAreNumberedFromZero) {
  EventCursor cursor;
  EXPECT_EQ(cursor.Next(0), "0");
  EXPECT_EQ(cursor.Next(0), "1");
  EventCursor rest = After("1", 1);
  EXPECT_EQ(rest.Next(0), "");
  EXPECT_EQ(rest.Next(0), "");
  EXPECT_EQ(rest.Next(0), "2");
}

TEST(EventCursorTest, AnIdOfSeveralChoicesSaysWhatWasHadOfEach) {
  EventCursor cursor(3);
  EXPECT_EQ(cursor.Next(1), "0.1.0");
  EXPECT_EQ(cursor.Next(0), "1.1.0");
  EXPECT_EQ(cursor.Next(1), "1.2.0");
  EventCursor rest = After("1.2.0", 3);
  EXPECT_EQ(rest.had(), (EventCounts{1, 2, 0}));
  EXPECT_EQ(rest.Next(2), "1.2.1");
  EXPECT_EQ(rest.Next(0), "");
  EXPECT_EQ(rest.Next(0), "2.2.1");
}

TEST(EventCursorTest, WhatIsNoEventsIdIsRefused) {
  for (const char* text : {"x", "-1", "1.", ".1", "1..2", "1.-2", "1099511627777", "9223372036854775808", "1,2"}) {
    EXPECT_EQ(ParseEventId(text).status().code(), absl::StatusCode::kInvalidArgument) << text;
  }
  EXPECT_EQ(ParseEventId(std::string(100'000, '.')).status().code(), absl::StatusCode::kInvalidArgument);
  EXPECT_EQ(EventCursor::After({1, 2}, 3, kMost).status().code(), absl::StatusCode::kInvalidArgument);
  EXPECT_EQ(EventCursor::After({1, 2}, 1, kMost).status().code(), absl::StatusCode::kInvalidArgument);
  EXPECT_TRUE(EventCursor::After({1, kMost}, 2, kMost).ok());
  EXPECT_EQ(EventCursor::After({1, kMost + 1}, 2, kMost).status().code(), absl::StatusCode::kInvalidArgument);
  EXPECT_EQ(After("", 3).had(), (EventCounts{0, 0, 0}));
}

TEST(EventCursorTest, AtTheEndThereIsNoLaterEvent) {
  EventCursor cursor = After("1.1", 2);
  EXPECT_FALSE(cursor.CheckEnd().ok());
  cursor.Next(0);
  EXPECT_FALSE(cursor.CheckEnd().ok());
  cursor.Next(1);
  EXPECT_TRUE(cursor.CheckEnd().ok());
  cursor.Next(1);
  EXPECT_TRUE(cursor.CheckEnd().ok());
  EXPECT_TRUE(EventCursor(3).CheckEnd().ok());
}

// A client whose connection breaks wherever it likes, as often as it likes, each time with the choices' events in another order, gets each
// event once, and each choice's in their order.
TEST(EventCursorTest, EveryEventComesOnceWhereverConnectionsBreak) {
  for (uint32_t seed = 0; seed < 2000; ++seed) {
    std::mt19937 random(seed);
    const size_t choices = 1 + random() % 4;
    EventCounts lengths;
    for (size_t i = 0; i < choices; ++i) lengths.push_back(1 + random() % 6);
    EventCounts got(choices);
    std::string last;
    for (bool whole = false; !whole;) {
      EventCursor cursor = After(last, choices);
      EventCounts told(choices);
      int patience = static_cast<int>(random() % 8);
      whole = true;
      for (EventCounts left = lengths; left != EventCounts(choices);) {
        const size_t choice = random() % choices;
        if (left[choice] == 0) continue;
        --left[choice];
        ++told[choice];
        const std::string id = cursor.Next(choice);
        if (id.empty()) continue;
        ASSERT_EQ(told[choice], ++got[choice]) << "seed " << seed;
        last = id;
        whole = patience-- > 0;
        if (!whole) break;
      }
    }
    EXPECT_EQ(got, lengths) << "seed " << seed;
  }
}

}  // namespace
}  // namespace baleen
