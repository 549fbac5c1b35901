#include "engine/model/rope_frequencies.h"

#include <cmath>
#include <numbers>

namespace quire::engine {
namespace {

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

double Scale(double frequency, const RopeScaling& scaling) {
  switch (scaling.kind) {
    case RopeScaling::Kind::kNone:
      return frequency;
    case RopeScaling::Kind::kLinear:
      return frequency / scaling.factor;
    case RopeScaling::Kind::kLlama3:
      return ScaleLlama3(frequency, scaling);
  }
  return frequency;
}

}  // namespace

std::vector<float> RopeInverseFrequencies(const ModelConfig& config) {
  std::vector<float> frequencies;
  for (std::int32_t i = 0; i < config.head_dim; i += 2) {
    const double frequency = std::pow(config.rope_theta, -static_cast<double>(i) / config.head_dim);
    const auto pair = static_cast<std::size_t>(i / 2);
    const double factor = config.rope_factors.empty() ? 1.0 : config.rope_factors[pair];
    frequencies.push_back(static_cast<float>(Scale(frequency, config.rope_scaling) / factor));
  }
  return frequencies;
}

}  // namespace quire::engine
