#include "services/common/core_dumps.h"

#include <gtest/gtest.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

namespace baleen {
namespace {

TEST(CoreDumpsTest, NoneIsLeft) {
  const pid_t child = fork();
  ASSERT_GE(child, 0);
  if (child == 0) {
    const rlimit all{RLIM_INFINITY, RLIM_INFINITY};
    setrlimit(RLIMIT_CORE, &all);  // Not every user may raise it.
    rlimit limit{1, 1};
    const bool forbidden = ForbidCoreDumps().ok() && getrlimit(RLIMIT_CORE, &limit) == 0 && limit.rlim_cur == 0 && limit.rlim_max == 0 &&
                           prctl(PR_GET_DUMPABLE, 0, 0, 0, 0) == 0;
    if (forbidden) raise(SIGQUIT);  // Dumps core by default.
    _exit(1);
  }
  int status = 0;
  ASSERT_EQ(waitpid(child, &status, 0), child);
  ASSERT_TRUE(WIFSIGNALED(status));
  EXPECT_EQ(WTERMSIG(status), SIGQUIT);
  EXPECT_FALSE(WCOREDUMP(status));
}

}  // namespace
}  // namespace baleen
