// Where the text of a generated token is shown.
#ifndef BALEEN_SERVICES_GATEWAY_GENERATION_TOKEN_PLACE_H_
#define BALEEN_SERVICES_GATEWAY_GENERATION_TOKEN_PLACE_H_

namespace baleen {

// Control tokens, calls and what separates the parts of an answer have none.
enum class TokenPlace { kNone, kReasoning, kText };

}  // namespace baleen

#endif  // BALEEN_SERVICES_GATEWAY_GENERATION_TOKEN_PLACE_H_
