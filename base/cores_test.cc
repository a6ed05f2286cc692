#include "base/cores.h"

#include <gtest/gtest.h>
#include <linux/mempolicy.h>
#include <sched.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <functional>
#include <string>
#include <thread>
#include <vector>

#include "absl/strings/str_cat.h"

namespace baleen {
namespace {

TEST(CoresTest, ParsesLists) {
  EXPECT_EQ(ParseCores("3").value(), (std::vector<int>{3}));
  EXPECT_EQ(ParseCores("0-3,8").value(), (std::vector<int>{0, 1, 2, 3, 8}));
  EXPECT_EQ(ParseCores("8,1-2,2").value(), (std::vector<int>{1, 2, 8}));
}

TEST(CoresTest, WrongListsAreNamed) {
  for (const char* list : {"", "a", "1,", "1-", "-1", "2-1", "0-99999", "1-2-3", "0x1"}) {
    EXPECT_EQ(ParseCores(list).status().code(), absl::StatusCode::kInvalidArgument) << list;
  }
}

// Runs `body` on a thread of its own, so that this one stays as it is.
void OnThread(const std::function<void()>& body) { std::thread(body).join(); }

int FirstCore() {
  cpu_set_t set;
  CPU_ZERO(&set);
  EXPECT_EQ(sched_getaffinity(0, sizeof(set), &set), 0);
  int core = 0;
  while (!CPU_ISSET(static_cast<size_t>(core), &set)) ++core;
  return core;
}

TEST(CoresTest, LaterThreadsAreConfinedToo) {
  const int before = AvailableCores();
  OnThread([] {
    const int core = FirstCore();
    ASSERT_TRUE(ConfineTo({.cores = std::to_string(core)}).ok());
    EXPECT_EQ(AvailableCores(), 1);
    OnThread([core] {
      EXPECT_EQ(AvailableCores(), 1);
      EXPECT_EQ(sched_getcpu(), core);
    });
  });
  EXPECT_EQ(AvailableCores(), before);
}

TEST(CoresTest, NothingAskedNothingChanged) {
  const int before = AvailableCores();
  EXPECT_TRUE(ConfineTo({}).ok());
  EXPECT_EQ(AvailableCores(), before);
}

TEST(CoresTest, WrongPlacesAreNamedAndChangeNothing) {
  const int before = AvailableCores();
  const auto message = [](const ComputePlace& place) {
    const absl::Status status = ConfineTo(place);
    EXPECT_EQ(status.code(), absl::StatusCode::kInvalidArgument);
    return std::string(status.message());
  };
  EXPECT_NE(message({.cores = "zero"}).find("--cores: \"zero\""), std::string::npos);
  EXPECT_NE(message({.cores = absl::StrCat(FirstCore(), ",", CPU_SETSIZE - 1)}).find("may run on"), std::string::npos);
  EXPECT_NE(message({.numa_node = 1000}).find("--numa_node=1000: this machine has"), std::string::npos);
  EXPECT_NE(message({.numa_node = -2}).find("--numa_node=-2"), std::string::npos);
  EXPECT_EQ(AvailableCores(), before);
}

TEST(CoresTest, ANodesMemoryAlone) {
  const bool has_nodes = access("/sys/devices/system/node/node0/cpulist", R_OK) == 0;
  OnThread([has_nodes] {
    const absl::Status confined = ConfineTo({.numa_node = 0});
    EXPECT_EQ(confined.ok(), has_nodes) << confined;
    int policy = 0;
    unsigned long nodes[1024 / 64] = {};
    ASSERT_EQ(syscall(SYS_get_mempolicy, &policy, nodes, 1024, nullptr, 0), 0);
    EXPECT_EQ(policy, has_nodes ? MPOL_BIND : MPOL_DEFAULT);
    EXPECT_EQ(nodes[0], has_nodes ? 1u : 0u);
  });
}

}  // namespace
}  // namespace baleen
