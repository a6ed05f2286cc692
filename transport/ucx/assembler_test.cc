#include "transport/ucx/assembler.h"

#include <gtest/gtest.h>

#include <cstring>
#include <string>

#include "transport/limits.h"

namespace baleen {
namespace {

absl::Span<const std::byte> Bytes(const std::string& text) { return {reinterpret_cast<const std::byte*>(text.data()), text.size()}; }

std::string PayloadOf(const Message& message) { return {reinterpret_cast<const char*>(message.payload.data), message.payload.size}; }

FragmentHeader Data(uint64_t sequence, uint32_t offset, uint32_t header_bytes, uint32_t payload_bytes) {
  return {
      .kind = FragmentKind::kData, .offset = offset, .sequence = sequence, .header_bytes = header_bytes, .payload_bytes = payload_bytes};
}

TEST(AssemblerTest, RunsMayEndAnywhere) {
  const std::string text = "headerpayload";
  for (size_t cut = 1; cut < text.size(); ++cut) {
    Assembler assembler;
    const auto first = assembler.Add(Data(0, 0, 6, 7), Bytes(text.substr(0, cut)));
    ASSERT_TRUE(first.ok()) << first.status();
    EXPECT_FALSE(first->has_value());
    const auto second = assembler.Add(Data(0, cut, 6, 7), Bytes(text.substr(cut)));
    ASSERT_TRUE(second.ok()) << second.status();
    ASSERT_TRUE(second->has_value());
    EXPECT_EQ((*second)->header, "header");
    EXPECT_EQ(PayloadOf(**second), "payload");
  }
}

TEST(AssemblerTest, MessagesFollowEachOther) {
  Assembler assembler;
  for (uint64_t i = 0; i < 3; ++i) {
    const auto empty = assembler.Add(Data(2 * i, 0, 0, 0), {});
    ASSERT_TRUE(empty.ok() && empty->has_value());
    EXPECT_EQ((*empty)->payload.size, 0u);
    const auto full = assembler.Add(Data(2 * i + 1, 0, 1, 2), Bytes("abc"));
    ASSERT_TRUE(full.ok() && full->has_value());
    EXPECT_EQ((*full)->header, "a");
    EXPECT_EQ(PayloadOf(**full), "bc");
  }
}

TEST(AssemblerTest, RefusesWhatDoesNotFit) {
  const std::string run = "abcd";
  const struct {
    FragmentHeader header;
    const char* why;
  } kCases[] = {
      {Data(1, 0, 4, 4), "another message"},
      {Data(0, 1, 4, 4), "an offset before anything"},
      {Data(0, 0, 1, 2), "a longer run than announced"},
      {Data(0, 0, kMaxHeaderBytes + 1, 4), "the header's limit"},
      {Data(0, 0, 4, kMaxPayloadBytes + 1), "the payload's limit"},
      {Data(0, 0, 0xffffffff, 0xffffffff), "sizes that overflow 32 bits"},
  };
  for (const auto& bad : kCases) {
    Assembler assembler;
    EXPECT_EQ(assembler.Add(bad.header, Bytes(run)).status().code(), absl::StatusCode::kInvalidArgument) << bad.why;
  }
  Assembler empty_run;
  EXPECT_FALSE(empty_run.Add(Data(0, 0, 4, 4), {}).ok());
}

TEST(AssemblerTest, RefusesAChangeOfMind) {
  const FragmentHeader kSeconds[] = {Data(0, 4, 5, 4), Data(0, 4, 4, 5), Data(0, 0, 4, 4), Data(0, 5, 4, 4), Data(1, 4, 4, 4)};
  for (const FragmentHeader& second : kSeconds) {
    Assembler assembler;
    ASSERT_TRUE(assembler.Add(Data(0, 0, 4, 4), Bytes("abcd")).ok());
    EXPECT_EQ(assembler.Add(second, Bytes("efg")).status().code(), absl::StatusCode::kInvalidArgument);
  }
}

}  // namespace
}  // namespace baleen
