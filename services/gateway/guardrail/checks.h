// What a pattern cannot say about a number: its check digits.
#ifndef BALEEN_SERVICES_GATEWAY_GUARDRAIL_CHECKS_H_
#define BALEEN_SERVICES_GATEWAY_GUARDRAIL_CHECKS_H_

#include "absl/strings/string_view.h"

namespace baleen {

// Whether the digits of `text`, all else left out, end in their Luhn check digit (ISO/IEC 7812-1).
bool PassesLuhn(absl::string_view text);

// Whether `text` begins with an IBAN (ISO 13616): 15 to 34 characters, spaces left out, of remainder 1 modulo 97. The IBAN ends where the
// text does or before a space, since what follows one may look like a part of it.
bool BeginsWithIban(absl::string_view text);

}  // namespace baleen

#endif  // BALEEN_SERVICES_GATEWAY_GUARDRAIL_CHECKS_H_
