#include "engine/sampling/sampler.h"

#include <algorithm>
#include <cmath>

#include "engine/sampling/logits.h"

namespace quire::engine {
namespace {

// First guess at how many tokens hold the nucleus; doubled until they do.
constexpr std::size_t kFirstNucleus = 64;

}  // namespace

bool Sampler::Before(const Candidate& a, const Candidate& b) {
  return a.weight != b.weight ? a.weight > b.weight : a.id < b.id;
}

bool Sampler::MoreTypical(const Candidate& a, const Candidate& b) {
  return a.deviation != b.deviation ? a.deviation < b.deviation : Before(a, b);
}

void Sampler::Fill(std::span<const float> logits, float max, float temperature) {
  candidates_.clear();
  for (std::size_t i = 0; i < logits.size(); ++i) {
    if (logits[i] == kMaskedLogit) continue;
    const double exponent = (static_cast<double>(logits[i]) - max) / temperature;
    candidates_.push_back({.id = static_cast<TokenId>(i), .weight = std::exp(exponent)});
  }
}

void Sampler::KeepTopK(std::size_t k) {
  if (k >= candidates_.size()) return;
  const auto end = candidates_.begin() + static_cast<std::ptrdiff_t>(k);
  std::nth_element(candidates_.begin(), end, candidates_.end(), Before);
  candidates_.resize(k);
}

double Sampler::TotalWeight() const {
  double total = 0.0;
  for (const Candidate& candidate : candidates_) total += candidate.weight;
  return total;
}

void Sampler::KeepMass(double p, Order order) {
  const double total = TotalWeight();
  // Sorts only as much as the mass needs: a whole vocabulary takes milliseconds.
  std::size_t sorted = 0;
  double mass = 0.0;
  for (std::size_t size = kFirstNucleus; sorted < candidates_.size(); size *= 2) {
    const std::size_t end = std::min(sorted + size, candidates_.size());
    const auto at = [&](std::size_t i) {
      return candidates_.begin() + static_cast<std::ptrdiff_t>(i);
    };
    std::partial_sort(at(sorted), at(end), candidates_.end(), order);
    for (; sorted < end; ++sorted) {
      mass += candidates_[sorted].weight;
      if (mass >= p * total) {
        candidates_.resize(sorted + 1);
        return;
      }
    }
  }
}

void Sampler::KeepTypical(double p) {
  // A weight of 0 is a probability that f64 cannot hold: no surprise can be told.
  std::erase_if(candidates_, [](const Candidate& candidate) { return candidate.weight <= 0.0; });
  const double total = TotalWeight();
  double sum = 0.0;
  for (Candidate& candidate : candidates_) {
    candidate.deviation = std::log(total / candidate.weight);  // the surprise, -log p
    sum += candidate.weight * candidate.deviation;
  }
  const double expected = sum / total;
  for (Candidate& candidate : candidates_) {
    candidate.deviation = std::abs(candidate.deviation - expected);
  }
  KeepMass(p, MoreTypical);
}

TokenId Sampler::Draw(double uniform) const {
  double rest = uniform * TotalWeight();
  for (const Candidate& candidate : candidates_) {
    rest -= candidate.weight;
    if (rest < 0.0) return candidate.id;
  }
  // Rounding may leave a trace; the last token that can be drawn takes it.
  return std::find_if(candidates_.rbegin(), candidates_.rend(),
                      [](const Candidate& candidate) { return candidate.weight > 0.0; })
      ->id;
}

StatusOr<TokenId> Sampler::Sample(std::span<const float> logits, const SamplingParams& params,
                                  double uniform) {
  QUIRE_ASSIGN_OR_RETURN(const TokenId most_likely, ArgMax(logits));
  if (params.temperature == 0.0f || params.top_k == 1) return most_likely;
  Fill(logits, logits[static_cast<std::size_t>(most_likely)], params.temperature);
  if (params.top_k > 0) KeepTopK(static_cast<std::size_t>(params.top_k));
  if (params.top_p < 1.0f) KeepMass(params.top_p, Before);
  // Weights are relative to the most likely token, which is what min-p compares with.
  std::erase_if(candidates_, [&](const Candidate& candidate) {
    return candidate.weight < static_cast<double>(params.min_p);
  });
  if (params.typical_p < 1.0f) KeepTypical(params.typical_p);
  // One order for every path here, so that equal logits draw equal tokens.
  if (params.typical_p < 1.0f || (params.top_k > 0 && params.top_p == 1.0f)) {
    std::sort(candidates_.begin(), candidates_.end(), Before);
  }
  return Draw(uniform);
}

}  // namespace quire::engine
