#include "engine/model/rope_frequencies.h"

#include <algorithm>
#include <cmath>
#include <numbers>

namespace quire::engine {
namespace {

using Kind = RopeScaling::Kind;

std::vector<double> PlainFrequencies(double base, std::int32_t rotary_dim) {
  std::vector<double> frequencies;
  for (std::int32_t i = 0; i < rotary_dim; i += 2) {
    frequencies.push_back(std::pow(base, -static_cast<double>(i) / rotary_dim));
  }
  return frequencies;
}

// Long wavelengths are stretched by `factor`, short ones stay, and between the two thresholds the
// stretch grows linearly in the number of turns within the training length.
double ScaleLlama3(double frequency, const RopeScaling& scaling) {
  const double turns = scaling.original_context_tokens * frequency / (2.0 * std::numbers::pi);
  if (turns < scaling.low_freq_factor) return frequency / scaling.factor;
  if (turns > scaling.high_freq_factor) return frequency;
  const double smooth =
      (turns - scaling.low_freq_factor) / (scaling.high_freq_factor - scaling.low_freq_factor);
  return (1.0 - smooth) * frequency / scaling.factor + smooth * frequency;
}

// The base that makes the longest wavelength reach `context_tokens`.
double DynamicBase(const ModelConfig& config, std::int32_t context_tokens) {
  const double factor = config.rope_scaling.factor;
  const double length = std::max(context_tokens, config.max_position_embeddings);
  const double stretch = factor * length / config.max_position_embeddings - (factor - 1.0);
  const double dim = config.rotary_dim;
  return config.rope_theta * std::pow(stretch, dim / (dim - 2.0));
}

// Pairs that turn more than beta_fast times within the training length stay, those that turn less
// than beta_slow times are stretched by `factor`, with a linear ramp over the pairs between.
// Source: Peng et al. 2023, "YaRN", section 3.2.
void ScaleYarn(const ModelConfig& config, std::vector<double>& frequencies) {
  const RopeScaling& scaling = config.rope_scaling;
  const auto pair_with_turns = [&](double turns) {
    return config.rotary_dim *
           std::log(scaling.original_context_tokens / (turns * 2.0 * std::numbers::pi)) /
           (2.0 * std::log(config.rope_theta));
  };
  double low = pair_with_turns(scaling.beta_fast);
  double high = pair_with_turns(scaling.beta_slow);
  if (scaling.truncate) {
    low = std::floor(low);
    high = std::ceil(high);
  }
  low = std::max(low, 0.0);
  high = std::min(high, config.rotary_dim - 1.0);
  if (low == high) high += 0.001;  // as transformers does
  for (std::size_t i = 0; i < frequencies.size(); ++i) {
    const double ramp = std::clamp((static_cast<double>(i) - low) / (high - low), 0.0, 1.0);
    frequencies[i] = frequencies[i] / scaling.factor * ramp + frequencies[i] * (1.0 - ramp);
  }
}

void DivideBy(const std::vector<float>& factors, std::vector<double>& frequencies) {
  for (std::size_t i = 0; i < factors.size(); ++i) frequencies[i] /= factors[i];
}

}  // namespace

std::vector<float> RopeInverseFrequencies(const ModelConfig& config, std::int32_t context_tokens) {
  if (context_tokens == 0) context_tokens = config.max_position_embeddings;
  const RopeScaling& scaling = config.rope_scaling;
  const double base =
      scaling.kind == Kind::kDynamic ? DynamicBase(config, context_tokens) : config.rope_theta;
  std::vector<double> frequencies = PlainFrequencies(base, config.rotary_dim);
  switch (scaling.kind) {
    case Kind::kNone:
    case Kind::kDynamic:
      break;
    case Kind::kLinear:
      for (double& frequency : frequencies) frequency /= scaling.factor;
      break;
    case Kind::kYarn:
      ScaleYarn(config, frequencies);
      break;
    case Kind::kLlama3:
      for (double& frequency : frequencies) frequency = ScaleLlama3(frequency, scaling);
      break;
    case Kind::kLongRope:
      DivideBy(context_tokens > scaling.original_context_tokens ? scaling.long_factors
                                                                : scaling.short_factors,
               frequencies);
      break;
  }
  DivideBy(config.rope_factors, frequencies);
  return {frequencies.begin(), frequencies.end()};
}

std::vector<float> LocalRopeInverseFrequencies(const ModelConfig& config) {
  const std::vector<double> frequencies =
      PlainFrequencies(config.local_rope_theta, config.rotary_dim);
  return {frequencies.begin(), frequencies.end()};
}

}  // namespace quire::engine
