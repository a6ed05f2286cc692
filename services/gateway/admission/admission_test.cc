#include "services/gateway/admission/admission.h"

#include <gtest/gtest.h>

#include <atomic>
#include <future>
#include <optional>

namespace baleen {
namespace {

AdmissionLimits Limits() {
  AdmissionLimits limits;
  limits.running.tokens = 100;
  limits.max_wait = absl::Milliseconds(50);
  return limits;
}

TEST(AdmissionTest, RunsAtOnceWhatFitsAndTheNextWhenOneLeaves) {
  Admission admission(Limits(), Clock::Real(), nullptr);
  const uint64_t first = admission.NewTicket();
  const uint64_t second = admission.NewTicket();
  std::optional<absl::Status> outcomes[2];
  admission.Enter(first, {"t", 80, absl::InfiniteFuture(), false}, [&](absl::Status status) { outcomes[0] = status; });
  ASSERT_TRUE(outcomes[0].has_value());
  EXPECT_TRUE(outcomes[0]->ok());
  admission.Leave(first);
  EXPECT_EQ(admission.running(), AdmissionCapacity());
  admission.Enter(second, {"t", 80, absl::InfiniteFuture(), false}, [&](absl::Status status) { outcomes[1] = status; });
  ASSERT_TRUE(outcomes[1].has_value());
}

TEST(AdmissionTest, WhoWaitsTooLongIsTurnedAway) {
  Admission admission(Limits(), Clock::Real(), nullptr);
  std::promise<absl::Status> waited;
  admission.Enter(admission.NewTicket(), {"t", 100, absl::InfiniteFuture(), false}, [](absl::Status) {});
  admission.Enter(admission.NewTicket(), {"t", 1, absl::InfiniteFuture(), false}, [&](absl::Status status) { waited.set_value(status); });
  EXPECT_EQ(waited.get_future().get().code(), absl::StatusCode::kUnavailable);
}

TEST(AdmissionTest, WhoLeavesHearsNothing) {
  AdmissionLimits limits = Limits();
  limits.max_wait = absl::Minutes(1);
  Admission admission(limits, Clock::Real(), nullptr);
  std::atomic<int> told = 0;
  const uint64_t first = admission.NewTicket();
  const uint64_t second = admission.NewTicket();
  admission.Enter(first, {"t", 100, absl::InfiniteFuture(), false}, [&](absl::Status) { ++told; });
  admission.Enter(second, {"t", 100, absl::InfiniteFuture(), false}, [&](absl::Status) { ++told; });
  admission.Leave(second);
  admission.Leave(first);
  admission.Leave(first);
  EXPECT_EQ(told, 1);
  admission.SetCapacity({10, 1000});
  EXPECT_EQ(told, 1);
}

TEST(AdmissionTest, AfterStopOnlyEnterTells) {
  AdmissionLimits limits = Limits();
  limits.max_wait = absl::Minutes(1);
  Admission admission(limits, Clock::Real(), nullptr);
  std::atomic<int> told = 0;
  const uint64_t first = admission.NewTicket();
  admission.Enter(first, {"t", 100, absl::InfiniteFuture(), false}, [&](absl::Status) { ++told; });
  admission.Enter(admission.NewTicket(), {"t", 60, absl::InfiniteFuture(), false}, [&](absl::Status) { ++told; });
  admission.Stop();
  admission.Leave(first);
  admission.Stop();
  EXPECT_EQ(told, 1);
  admission.Enter(admission.NewTicket(), {"t", 40, absl::InfiniteFuture(), false}, [&](absl::Status) { ++told; });
  EXPECT_EQ(told, 3);
}

}  // namespace
}  // namespace baleen
