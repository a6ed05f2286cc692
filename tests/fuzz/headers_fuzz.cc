// Headers with a form of their own: trace contexts, request ids, API keys.

#include <cstdint>
#include <string>

#include "absl/strings/ascii.h"
#include "services/common/request_id.h"
#include "services/common/trace_context.h"
#include "services/gateway/tenants/api_key.h"
#include "tests/fuzz/fuzz_input.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace baleen;
  const std::string text = FuzzInput(data, size).Rest();
  if (const auto context = ParseTraceparent(text)) {
    Require(context->trace_id.size() == 16 && context->span_id.size() == 8, "ids have their sizes");
    Require(context->trace_id != std::string(16, '\0') && context->span_id != std::string(8, '\0'), "and are not all zero");
  }
  if (const auto id = RequestIdFromHex(text); id.ok()) {
    Require(id->size() == 16 && RequestIdToHex(*id) == absl::AsciiStrToLower(text), "an id survives a round trip");
  }
  const absl::string_view key = BearerKey(text);
  Require(key.size() < text.size() || text.empty(), "a key comes after its scheme");
  if (const auto digest = KeyDigestFromHex(text); digest.ok()) {
    Require(KeyDigestToHex(*digest) == absl::AsciiStrToLower(text), "so does a digest");
  }
  return 0;
}
