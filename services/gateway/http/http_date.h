// The Date of answers.
#ifndef BALEEN_SERVICES_GATEWAY_HTTP_HTTP_DATE_H_
#define BALEEN_SERVICES_GATEWAY_HTTP_HTTP_DATE_H_

#include <cstdint>
#include <string>

namespace baleen {

// By RFC 9110, 5.6.7: "Sun, 06 Nov 1994 08:49:37 GMT". Each thread keeps its last one, good for a second and until the next call.
const std::string& HttpDate(int64_t unix_s);

}  // namespace baleen

#endif  // BALEEN_SERVICES_GATEWAY_HTTP_HTTP_DATE_H_
