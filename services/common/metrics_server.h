// A tiny HTTP/1.1 server for a process's own pages: metrics and health. GET and HEAD of fixed paths, nothing else.
#ifndef BALEEN_SERVICES_COMMON_METRICS_SERVER_H_
#define BALEEN_SERVICES_COMMON_METRICS_SERVER_H_

#include <functional>
#include <map>
#include <memory>
#include <string>

#include "absl/status/status.h"

namespace baleen {

struct HttpPage {
  int status = 200;
  std::string content_type = "text/plain; charset=utf-8";
  std::string body;
};

// Path -> what to answer. Called on the server's one thread; must not block for long.
using HttpPages = std::map<std::string, std::function<HttpPage()>>;

// One thread, at most 64 connections, 5 s for each request to arrive and each answer to leave. Thread-safe.
class MetricsServer {
 public:
  explicit MetricsServer(HttpPages pages);
  ~MetricsServer();  // Stops.

  // port 0 = any free one. UNAVAILABLE names the address when it can't be bound.
  absl::Status Start(const std::string& bind, int port);
  int port() const;
  void Stop();

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace baleen

#endif  // BALEEN_SERVICES_COMMON_METRICS_SERVER_H_
