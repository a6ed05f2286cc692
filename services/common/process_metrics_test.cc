#include "services/common/process_metrics.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <cstdio>
#include <ctime>
#include <map>
#include <string>

namespace baleen {
namespace {

std::map<std::string, double> Values(bool ready) {
  std::map<std::string, double> values;
  for (const prometheus::MetricFamily& family : CollectProcessMetrics(ready)) {
    EXPECT_EQ(family.metric.size(), 1u) << family.name;
    const bool counter = family.type == prometheus::MetricType::Counter;
    values[family.name] = counter ? family.metric[0].counter.value : family.metric[0].gauge.value;
  }
  return values;
}

TEST(ProcessMetricsTest, TellsReadiness) {
  EXPECT_EQ(Values(true)["baleen_ready"], 1);
  EXPECT_EQ(Values(false)["baleen_ready"], 0);
}

TEST(ProcessMetricsTest, CountsOpenFiles) {
  const double before = Values(true)["process_open_fds"];
  std::FILE* const file = std::tmpfile();
  ASSERT_NE(file, nullptr);
  EXPECT_EQ(Values(true)["process_open_fds"], before + 1);
  std::fclose(file);
}

TEST(ProcessMetricsTest, IsAboutThisProcess) {
  const auto values = Values(true);
  EXPECT_GT(values.at("process_resident_memory_bytes"), 1 << 20);
  EXPECT_GE(values.at("process_cpu_seconds_total"), 0);
  EXPECT_LE(values.at("process_start_time_seconds"), static_cast<double>(std::time(nullptr)) + 1);
  // Not longer ago than a test may run.
  EXPECT_GE(values.at("process_start_time_seconds"), static_cast<double>(std::time(nullptr)) - 3600);
  EXPECT_GT(values.at("process_max_fds"), values.at("process_open_fds"));
}

}  // namespace
}  // namespace baleen
