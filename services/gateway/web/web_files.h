// The files of the web page, as the build embedded them.
#ifndef BALEEN_SERVICES_GATEWAY_WEB_WEB_FILES_H_
#define BALEEN_SERVICES_GATEWAY_WEB_WEB_FILES_H_

#include <cstddef>

#include "absl/strings/string_view.h"

namespace baleen {

struct WebFile {
  absl::string_view name;
  absl::string_view content;
  absl::string_view etag;  // A hash of the content, in quotes.
};

extern const WebFile kWebFiles[];
extern const size_t kWebFileCount;

}  // namespace baleen

#endif  // BALEEN_SERVICES_GATEWAY_WEB_WEB_FILES_H_
