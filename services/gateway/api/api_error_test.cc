#include "services/gateway/api/api_error.h"

#include <gtest/gtest.h>

#include <boost/json.hpp>
#include <string>

#include "absl/strings/match.h"

namespace baleen {
namespace {

std::string InBody(const ApiError& error, const char* member) {
  return std::string(boost::json::parse(error.body).at("error").at(member).as_string());
}

TEST(ApiErrorTest, AMessageThatFitsIsToldWhole) {
  const std::string message(kMaxErrorMessageBytes, 'a');
  EXPECT_EQ(ToApiError(absl::NotFoundError(message)).message, message);
}

TEST(ApiErrorTest, ALongMessageKeepsItsEndsAndItsCharacters) {
  for (const std::string unit : {"m", "é", "鲸", "\U0001F600"}) {
    for (size_t shift = 0; shift < 4; ++shift) {
      std::string message = "Wrong: " + std::string(shift, 's');
      while (message.size() < 100000) message += unit;
      const ApiError error = ToApiError(absl::NotFoundError(message + " is not here."));
      EXPECT_LE(error.message.size(), kMaxErrorMessageBytes);
      EXPECT_GT(error.message.size(), kMaxErrorMessageBytes - 8);
      EXPECT_TRUE(absl::StartsWith(error.message, "Wrong: ")) << error.message;
      EXPECT_TRUE(absl::StrContains(error.message, unit + "…" + unit)) << error.message;
      EXPECT_TRUE(absl::EndsWith(error.message, unit + " is not here.")) << error.message;
      EXPECT_EQ(InBody(error, "message"), error.message);
    }
  }
}

TEST(ApiErrorTest, ACodeOfItsOwnTakesTheClasssPlace) {
  EXPECT_EQ(ToApiError(absl::AbortedError("Moved.")).code, "request_moved");
  const ApiError error = ToApiError(WithErrorCode(absl::AbortedError("In use."), "in_use"));
  EXPECT_EQ(error.code, "in_use");
  EXPECT_EQ(InBody(error, "code"), "in_use");
  EXPECT_TRUE(boost::json::parse(ToApiError(InvalidField("n", "is wrong.")).body).at("error").at("code").is_null());
}

}  // namespace
}  // namespace baleen
