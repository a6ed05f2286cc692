#include "tests/golden/logits_compare.h"

#include <algorithm>
#include <cmath>
#include <limits>

namespace baleen {
namespace {

double LogSumExp(const float* values, size_t count) {
  const double peak = *std::max_element(values, values + count);
  double sum = 0;
  for (size_t i = 0; i < count; ++i) sum += std::exp(values[i] - peak);
  return peak + std::log(sum);
}

double KlDivergence(const float* reference, const float* other, size_t count) {
  const double reference_norm = LogSumExp(reference, count), other_norm = LogSumExp(other, count);
  double divergence = 0;
  for (size_t i = 0; i < count; ++i) {
    const double log_p = reference[i] - reference_norm;
    divergence += std::exp(log_p) * (log_p - (other[i] - other_norm));
  }
  return divergence;
}

// Over positions [first[s], end) of each sequence s.
LogitsDistance DistanceFrom(const std::vector<size_t>& first, const Golden& golden, const std::vector<std::vector<float>>& logits) {
  LogitsDistance distance;
  size_t positions = 0;
  for (size_t s = 0; s < golden.sequences.size(); ++s) {
    const GoldenSequence& sequence = golden.sequences[s];
    const size_t vocab = sequence.logits.size() / sequence.tokens.size();
    for (size_t t = first[s]; t < sequence.tokens.size(); ++t, ++positions) {
      const float* reference = &sequence.logits[t * vocab];
      const float* other = &logits[s][t * vocab];
      const auto top1 = [&](const float* row) { return std::max_element(row, row + vocab) - row; };
      distance.top1_disagreement += top1(reference) != top1(other);
      distance.mean_kl += KlDivergence(reference, other, vocab);
    }
  }
  distance.top1_disagreement /= static_cast<double>(positions);
  distance.mean_kl /= static_cast<double>(positions);
  return distance;
}

}  // namespace

std::vector<PositionError> PositionErrors(const GoldenSequence& sequence, const std::vector<float>& logits) {
  const size_t vocab = sequence.logits.size() / sequence.tokens.size();
  std::vector<PositionError> errors(sequence.tokens.size());
  for (size_t t = 0; t < errors.size(); ++t) {
    double largest = 0, difference = 0;
    for (size_t i = t * vocab; i < (t + 1) * vocab; ++i) {
      largest = std::max(largest, std::fabs(static_cast<double>(sequence.logits[i])));
      const double delta = std::fabs(static_cast<double>(logits[i]) - sequence.logits[i]);
      difference = std::isnan(delta) ? std::numeric_limits<double>::infinity() : std::max(difference, delta);
    }
    errors[t] = {difference / largest, sequence.gate_gap[t]};
  }
  return errors;
}

LogitsDistance Distance(const Golden& golden, const std::vector<std::vector<float>>& logits) {
  return DistanceFrom(std::vector<size_t>(golden.sequences.size()), golden, logits);
}

LogitsDistance DistanceAfter(int32_t marker, const Golden& golden, const std::vector<std::vector<float>>& logits) {
  std::vector<size_t> first;
  for (const GoldenSequence& sequence : golden.sequences) {
    const auto last = std::find(sequence.tokens.rbegin(), sequence.tokens.rend(), marker);
    first.push_back(last == sequence.tokens.rend() ? 0 : static_cast<size_t>(sequence.tokens.rend() - last) - 1);
  }
  return DistanceFrom(first, golden, logits);
}

}  // namespace baleen
