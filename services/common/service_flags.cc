#include "services/common/service_flags.h"

#include <optional>
#include <vector>

#include "absl/flags/flag.h"
#include "absl/flags/parse.h"
#include "absl/flags/usage.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/time/time.h"
#include "base/status_macros.h"
#include "services/common/core_dumps.h"
#include "services/common/log.h"
#include "services/common/outside_server.h"
#include "services/common/request_id.h"
#include "services/common/termination.h"

ABSL_FLAG(std::string, bind, "127.0.0.1", "address to listen on");
ABSL_FLAG(std::string, advertise, "", "address that other processes reach this one at; empty = --bind");
ABSL_FLAG(int, grpc_port, 0, "gRPC port; 0 = any free one");
ABSL_FLAG(int, metrics_port, 0, "port of /metrics, /livez and /readyz; 0 = any free one");
ABSL_FLAG(std::string, placement, "", "host:port of placement");
ABSL_FLAG(std::string, failure_domain, "", "what fails together with this process (host, rack); empty = only itself");
ABSL_FLAG(absl::Duration, drain_timeout, absl::Seconds(30), "after SIGTERM, how long running work may take to end, such as 45s");
ABSL_FLAG(std::string, tls_ca, "", "mTLS between the processes: PEM file of the cluster's authority; empty = plaintext");
ABSL_FLAG(std::string, tls_cert, "",
          "this process's certificate, with the URI spiffe://baleen/<role>/<id>; read again when it is replaced");
ABSL_FLAG(std::string, tls_key, "", "its private key");
ABSL_FLAG(std::string, tls_crl, "",
          "PEM file of the authority's lists of revoked certificates, read again when it is replaced; empty = none");
ABSL_FLAG(bool, allow_plaintext, false, "listen, and reach guard and trace receiver, without TLS on addresses other than loopback");
ABSL_FLAG(std::string, log_level, "info", "debug, info, warning or error");
ABSL_FLAG(std::string, log_level_file, "",
          "file with one such word, which counts instead, and again whenever the file changes; empty = none");
ABSL_FLAG(std::string, otlp_endpoint, "", "host:port of an OTLP receiver (gRPC) for traces, or file:PATH for a file of them; empty = none");
ABSL_FLAG(bool, core_dumps, false, "for debugging: leave core files, which hold users' text, and let debuggers attach");

ABSL_FLAG(std::string, otlp_ca, "", "PEM file of the authorities that the OTLP receiver's certificate is held to; empty = no TLS");

namespace baleen {
namespace {

constexpr absl::Duration kMaxDrain = absl::Hours(1);

absl::Status CheckDrainTimeout(absl::Duration timeout) {
  if (timeout >= absl::ZeroDuration() && timeout <= kMaxDrain) return absl::OkStatus();
  return absl::InvalidArgumentError(absl::StrCat("--drain_timeout=", absl::FormatDuration(timeout), ": expected 0s to 1h"));
}

absl::Status ApplyLogLevel(const std::string& name) {
  const std::optional<LogLevel> level = ParseLogLevel(name);
  if (!level) return absl::InvalidArgumentError(absl::StrCat("--log_level=", name, ": expected debug, info, warning or error"));
  SetLogLevel(*level);
  return absl::OkStatus();
}

absl::StatusOr<ClusterCredentials> CredentialsFromFlags(PeerRole own) {
  const PemFiles files{absl::GetFlag(FLAGS_tls_ca), absl::GetFlag(FLAGS_tls_cert), absl::GetFlag(FLAGS_tls_key),
                       absl::GetFlag(FLAGS_tls_crl)};
  if (files.ca.empty() && files.cert.empty() && files.key.empty() && files.crl.empty()) return ClusterCredentials();
  if (files.ca.empty() || files.cert.empty() || files.key.empty()) {
    return absl::InvalidArgumentError("--tls_ca, --tls_cert and --tls_key go together, and --tls_crl needs them");
  }
  return ClusterCredentials::Mtls(files, own);
}

}  // namespace

absl::Status ParseServiceFlags(int argc, char** argv, const std::string& role) {
  absl::SetProgramUsageMessage(absl::StrCat("baleen ", role, " service"));
  const std::vector<char*> words = absl::ParseCommandLine(argc, argv);
  SetLogRole(role);
  if (words.size() > 1) return absl::InvalidArgumentError(absl::StrCat("unexpected argument: ", words[1]));
  if (absl::Status status = CheckDrainTimeout(absl::GetFlag(FLAGS_drain_timeout)); !status.ok()) return status;
  if (absl::Status status = ApplyLogLevel(absl::GetFlag(FLAGS_log_level)); !status.ok()) return status;
  return absl::GetFlag(FLAGS_core_dumps) ? absl::OkStatus() : ForbidCoreDumps();
}

absl::StatusOr<ServerOptions> ServerOptionsFromFlags(const std::string& role, PeerRole peer_role) {
  ServerOptions options;
  Termination::BlockSignals();  // What reads certificates again has a thread, which must not be the one that a signal ends.
  ASSIGN_OR_RETURN(options.credentials, CredentialsFromFlags(peer_role));
  options.allow_plaintext = absl::GetFlag(FLAGS_allow_plaintext);
  options.role = role;
  options.bind = absl::GetFlag(FLAGS_bind);
  options.advertise = absl::GetFlag(FLAGS_advertise);
  options.drain_timeout = absl::GetFlag(FLAGS_drain_timeout);
  options.grpc_port = absl::GetFlag(FLAGS_grpc_port);
  options.metrics_port = absl::GetFlag(FLAGS_metrics_port);
  options.log_level_file = absl::GetFlag(FLAGS_log_level_file);
  options.otlp_endpoint = absl::GetFlag(FLAGS_otlp_endpoint);
  if (!options.otlp_endpoint.empty() && !absl::StartsWith(options.otlp_endpoint, "file:")) {
    const OutsideServer receiver{"--otlp_endpoint", options.otlp_endpoint, "--otlp_ca", absl::GetFlag(FLAGS_otlp_ca)};
    ASSIGN_OR_RETURN(options.otlp_credentials, OutsideCredentials(receiver, options.credentials, options.allow_plaintext));
  }
  return options;
}

std::string NewWorkerId(const std::string& role) { return absl::StrCat(role, "-", RequestIdToHex(NewRequestId()).substr(0, 12)); }

}  // namespace baleen
