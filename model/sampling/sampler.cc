#include "model/sampling/sampler.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include "kernels/math.h"
#include "model/sampling/philox.h"

namespace baleen {
namespace {

constexpr float kMinusInfinity = -std::numeric_limits<float>::infinity();

// Finite or minus infinity, so that differences are numbers.
float Clean(float logit) {
  if (std::isnan(logit)) return kMinusInfinity;
  return std::min(logit, std::numeric_limits<float>::max());
}

struct Candidate {
  int32_t token;
  float logit;
  double weight;  // Not normalised.
};

bool Likelier(const Candidate& a, const Candidate& b) { return a.logit != b.logit ? a.logit > b.logit : a.token < b.token; }

// Calls visit(id, logit) for the ids that may be chosen, in id order.
template <typename Visit>
void ForEachAllowed(absl::Span<const float> logits, int64_t tokenizer_size, absl::Span<const int32_t> banned, const TokenMask* allowed,
                    Visit visit) {
  const int64_t size = std::clamp<int64_t>(tokenizer_size, 0, static_cast<int64_t>(logits.size()));
  std::vector<int32_t> out(banned.begin(), banned.end());
  std::sort(out.begin(), out.end());
  auto next_banned = out.begin();
  for (int32_t id = 0; id < size; ++id) {
    while (next_banned != out.end() && *next_banned < id) ++next_banned;
    if (next_banned != out.end() && *next_banned == id) continue;
    if (allowed != nullptr && !allowed->Test(id)) continue;
    visit(id, Clean(logits[id]));
  }
}

std::vector<Candidate> Allowed(absl::Span<const float> logits, int64_t tokenizer_size, absl::Span<const int32_t> banned,
                               const TokenMask* allowed) {
  std::vector<Candidate> candidates;
  candidates.reserve(logits.size());
  ForEachAllowed(logits, tokenizer_size, banned, allowed, [&](int32_t id, float logit) { candidates.push_back({id, logit, 0}); });
  return candidates;
}

// The first of the likeliest; -1 when there is none to choose.
int32_t Greedy(absl::Span<const float> logits, int64_t tokenizer_size, absl::Span<const int32_t> banned, const TokenMask* allowed) {
  int32_t best = -1;
  float top = 0;
  ForEachAllowed(logits, tokenizer_size, banned, allowed, [&](int32_t id, float logit) {
    if (best >= 0 && logit <= top) return;
    best = id;
    top = logit;
  });
  return best;
}

void KeepTopK(int k, std::vector<Candidate>* candidates) {
  if (k <= 0 || static_cast<size_t>(k) >= candidates->size()) return;
  std::nth_element(candidates->begin(), candidates->begin() + k, candidates->end(), Likelier);
  candidates->resize(static_cast<size_t>(k));
  // nth_element leaves no defined order, and the order of the sums must be one.
  std::sort(candidates->begin(), candidates->end(), Likelier);
}

double SetWeights(float temperature, std::vector<Candidate>* candidates) {
  const float top = std::min_element(candidates->begin(), candidates->end(), Likelier)->logit;
  double total = 0;
  for (Candidate& candidate : *candidates) {
    // Equal logits are equally likely even where both are minus infinity.
    candidate.weight = candidate.logit == top ? 1.0 : static_cast<double>(Exp((candidate.logit - top) / temperature));
    total += candidate.weight;
  }
  return total;
}

// Weights are shares of the likeliest id's. Returns the weight that is left.
double KeepMinP(float min_p, double total, std::vector<Candidate>* candidates) {
  if (!(min_p > 0)) return total;
  const auto first_out = std::stable_partition(candidates->begin(), candidates->end(),
                                               [min_p](const Candidate& candidate) { return candidate.weight >= std::min(min_p, 1.0f); });
  candidates->erase(first_out, candidates->end());
  double mass = 0;
  for (const Candidate& candidate : *candidates) mass += candidate.weight;
  return mass;
}

// Returns the weight that is left. A heap finds the few likeliest of a vocabulary without sorting it.
double KeepTopP(float top_p, double total, std::vector<Candidate>* candidates) {
  if (!(top_p < 1)) return total;
  const auto less = [](const Candidate& a, const Candidate& b) { return Likelier(b, a); };
  std::make_heap(candidates->begin(), candidates->end(), less);
  std::vector<Candidate> kept;
  double mass = 0;
  while (!candidates->empty()) {
    std::pop_heap(candidates->begin(), candidates->end(), less);
    kept.push_back(candidates->back());
    candidates->pop_back();
    mass += kept.back().weight;
    if (mass >= static_cast<double>(top_p) * total) break;
  }
  candidates->swap(kept);
  return mass;
}

int32_t Draw(const std::vector<Candidate>& candidates, double target) {
  int32_t last = candidates.front().token;
  double mass = 0;
  for (const Candidate& candidate : candidates) {
    if (candidate.weight <= 0) continue;
    mass += candidate.weight;
    last = candidate.token;
    if (mass > target) break;
  }
  return last;
}

// With a temperature; -1 when there is none to choose.
int32_t Random(const SamplerParams& params, int64_t position, std::vector<Candidate> candidates) {
  if (candidates.empty()) return -1;
  KeepTopK(params.top_k, &candidates);
  double total = SetWeights(params.temperature, &candidates);
  total = KeepMinP(params.min_p, total, &candidates);
  total = KeepTopP(params.top_p, total, &candidates);
  return Draw(candidates, PhiloxUniform(params.seed, params.choice, static_cast<uint64_t>(position)) * total);
}

void AddLogprobs(int count, absl::Span<const float> logits, int64_t tokenizer_size, SampledToken* result) {
  std::vector<Candidate> all = Allowed(logits, tokenizer_size, {}, nullptr);
  const double total = SetWeights(1, &all);
  const float top = std::min_element(all.begin(), all.end(), Likelier)->logit;
  const float log_total = Log(static_cast<float>(total));
  const auto logprob = [&](float logit) { return (logit == top ? 0 : logit - top) - log_total; };
  result->logprob = logprob(all[static_cast<size_t>(result->token)].logit);
  const size_t reported = std::min(static_cast<size_t>(count), all.size());
  std::partial_sort(all.begin(), all.begin() + static_cast<std::ptrdiff_t>(reported), all.end(), Likelier);
  for (size_t i = 0; i < reported; ++i) result->top.emplace_back(all[i].token, logprob(all[i].logit));
}

}  // namespace

SampledToken Sample(const SamplerParams& params, absl::Span<const float> logits, int64_t tokenizer_size, absl::Span<const int32_t> banned,
                    int64_t position, const SampleContext& context) {
  SampledToken result;
  std::vector<float> adjusted;
  absl::Span<const float> choosing = logits;
  if (params.adjustments.any()) {
    adjusted.assign(logits.begin(), logits.end());
    AdjustLogits(params.adjustments, context.tokens, context.prompt_tokens, absl::MakeSpan(adjusted), context.counts);
    choosing = adjusted;
  }
  result.token = params.temperature > 0 ? Random(params, position, Allowed(choosing, tokenizer_size, banned, context.allowed))
                                        : Greedy(choosing, tokenizer_size, banned, context.allowed);
  if (result.token < 0) return result;
  if (params.logprobs >= 0) AddLogprobs(params.logprobs, logits, tokenizer_size, &result);
  return result;
}

}  // namespace baleen
