// Load on a gateway by REST: prints one JSON object (sample.h) when all requests have ended. SIGTERM: no further requests.
#include <sys/resource.h>

#include <cstdlib>
#include <iostream>

#include "absl/flags/flag.h"
#include "absl/flags/parse.h"
#include "absl/strings/str_cat.h"
#include "tests/chaos/crowd/crowd_options.h"
#include "tests/chaos/crowd/run_crowd.h"
#include "tests/chaos/crowd/sample.h"

ABSL_FLAG(std::string, host, "127.0.0.1", "the gateway's IP address");
ABSL_FLAG(int, port, 0, "its REST port");
ABSL_FLAG(std::string, key, "crowd", "the tenant's API key");
ABSL_FLAG(absl::Duration, patience, absl::Seconds(60), "a request that takes longer is given up");
ABSL_FLAG(int, max_tokens, 1, "tokens of each answer");
ABSL_FLAG(int64_t, first_prompt, 0, "number of the first request's prompt");
ABSL_FLAG(int, streams, 0, "streams, each of which asks again when its request has ended");
ABSL_FLAG(double, rate, 0, "requests a second that come at random whether earlier ones have ended or not");
ABSL_FLAG(std::string, seed, "1", "of when they come");
ABSL_FLAG(absl::Duration, duration, absl::ZeroDuration(), "no request begins later, but the first one of each stream");

namespace {

baleen::CrowdOptions OptionsFromFlags() {
  baleen::CrowdOptions options;
  options.host = absl::GetFlag(FLAGS_host);
  options.port = absl::GetFlag(FLAGS_port);
  options.key = absl::GetFlag(FLAGS_key);
  options.patience = absl::GetFlag(FLAGS_patience);
  options.max_tokens = absl::GetFlag(FLAGS_max_tokens);
  options.first_prompt = absl::GetFlag(FLAGS_first_prompt);
  options.streams = absl::GetFlag(FLAGS_streams);
  options.rate = absl::GetFlag(FLAGS_rate);
  options.seed = absl::GetFlag(FLAGS_seed);
  options.duration = absl::GetFlag(FLAGS_duration);
  return options;
}

double Seconds(const timeval& time) { return static_cast<double>(time.tv_sec) + 1e-6 * static_cast<double>(time.tv_usec); }

double CpuSeconds() {
  rusage usage{};
  getrusage(RUSAGE_SELF, &usage);
  return Seconds(usage.ru_utime) + Seconds(usage.ru_stime);
}

int Fail(absl::string_view what) {
  std::cerr << "crowd: " << what << "\n";
  return EXIT_FAILURE;
}

}  // namespace

int main(int argc, char** argv) {
  const std::vector<char*> words = absl::ParseCommandLine(argc, argv);
  if (words.size() > 1) return Fail(absl::StrCat("unexpected argument: ", words[1]));
  const baleen::CrowdOptions options = OptionsFromFlags();
  if (const absl::Status status = baleen::CheckCrowdOptions(options); !status.ok()) return Fail(status.message());
  const std::vector<baleen::Sample> samples = baleen::RunCrowd(options);
  std::cout << baleen::SamplesToJson(CpuSeconds(), samples) << "\n";
  return std::cout.flush() ? EXIT_SUCCESS : Fail("the samples cannot be written");
}
