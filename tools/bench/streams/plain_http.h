// Single requests over plain HTTP on loopback, blocking.
#ifndef BALEEN_TOOLS_BENCH_STREAMS_PLAIN_HTTP_H_
#define BALEEN_TOOLS_BENCH_STREAMS_PLAIN_HTTP_H_

#include <string>

namespace baleen {

struct PlainAnswer {
  int status = 0;  // 0 = nobody answered.
  std::string body;
};

PlainAnswer PlainGet(int port, const std::string& path);
inline int StatusOf(const PlainAnswer& answer) { return answer.status; }

// Sends so many chats that must be refused, one after another; how many were.
int AskForRefusals(int port, int count);

// Of baleen_request_refusal_seconds in a metrics page: the bound of the bucket that the quantile is in, in seconds.
double RefusalQuantile(const PlainAnswer& metrics, double quantile);

}  // namespace baleen

#endif  // BALEEN_TOOLS_BENCH_STREAMS_PLAIN_HTTP_H_
