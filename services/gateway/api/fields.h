// Names and bounds of the numeric fields that clients may send: the parser and the OpenAPI document read the same table.
#ifndef BALEEN_SERVICES_GATEWAY_API_FIELDS_H_
#define BALEEN_SERVICES_GATEWAY_API_FIELDS_H_

#include <cstdint>
#include <limits>

namespace baleen {

struct NumberField {
  const char* name;
  double min;
  double max;
  const char* about;
};

struct IntegerField {
  const char* name;
  int64_t min;
  int64_t max;
  const char* about;
};

constexpr int kMaxLogprobs = 20;
constexpr int kMaxChoices = 16;
constexpr int kMaxLogitBias = 1024;
constexpr int kMaxMessages = 4096;
constexpr int kMaxTools = 128;
constexpr int64_t kMaxTokenCount = std::numeric_limits<int32_t>::max();

inline constexpr NumberField kTemperatureField{"temperature", 0, 2, "0 takes the likeliest token."};
inline constexpr NumberField kTopPField{"top_p", 0, 1,
                                        "Samples from the likeliest tokens that together reach this share; 0 takes the likeliest."};
inline constexpr NumberField kMinPField{"min_p", 0, 1, "Leaves out tokens less likely than this share of the likeliest."};
inline constexpr NumberField kPresencePenaltyField{"presence_penalty", -2, 2, "Taken once from each token that the answer has."};
inline constexpr NumberField kFrequencyPenaltyField{"frequency_penalty", -2, 2, "Taken from a token as often as the answer has it."};
inline constexpr NumberField kRepetitionPenaltyField{"repetition_penalty", 0.01, 100,
                                                     "Divides the score of each token that prompt or answer has; 1 is off."};
inline constexpr NumberField kNumberFields[] = {
    kTemperatureField, kTopPField, kMinPField, kPresencePenaltyField, kFrequencyPenaltyField, kRepetitionPenaltyField};

inline constexpr IntegerField kTopKField{"top_k", -1, kMaxTokenCount, "Samples from this many tokens; 0 and -1 are off."};
inline constexpr IntegerField kSeedField{"seed", std::numeric_limits<int64_t>::min(), std::numeric_limits<int64_t>::max(),
                                         "The same request with the same seed has the same answer."};
inline constexpr IntegerField kChoicesField{"n", 1, kMaxChoices, "How many answers to make."};
inline constexpr IntegerField kMaxTokensField{"max_tokens", 1, kMaxTokenCount, "Length of the answer at most, its reasoning included."};
inline constexpr IntegerField kMaxCompletionTokensField{"max_completion_tokens", 1, kMaxTokenCount, "The newer name of max_tokens."};
inline constexpr IntegerField kMinTokensField{"min_tokens", 0, kMaxTokenCount, "The answer does not end before."};
inline constexpr IntegerField kIntegerFields[] = {kTopKField,     kSeedField, kChoicesField, kMaxTokensField, kMaxCompletionTokensField,
                                                  kMinTokensField};

inline constexpr IntegerField kTopLogprobsField{"top_logprobs", 0, kMaxLogprobs, "Alternatives to report for each token."};
inline constexpr IntegerField kCompletionLogprobsField{"logprobs", 0, kMaxLogprobs,
                                                       "Reports each token's log-probability and this many alternatives."};
inline constexpr double kMaxBias = 100;

}  // namespace baleen

#endif  // BALEEN_SERVICES_GATEWAY_API_FIELDS_H_
