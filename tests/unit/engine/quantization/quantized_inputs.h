#pragma once

#include <cmath>
#include <cstdint>
#include <random>
#include <vector>

#include "engine/quantization/input_moments.h"
#include "kernels/quant/group_codes.h"
#include "kernels/tensor.h"

// Inputs with the traits that calibrated methods use: channels that depend on one another, and a
// few that are much larger than the rest.

namespace quire::testing {

// Inputs of the layers in tests: three groups of 32.
inline constexpr std::int64_t kTestIn = 96;

inline std::vector<float> CorrelatedInputs(std::int64_t tokens, std::int64_t in) {
  std::mt19937 random(3);
  std::normal_distribution<float> normal;
  std::vector<float> x;
  for (std::int64_t t = 0; t < tokens; ++t) {
    const float common = normal(random);
    for (std::int64_t k = 0; k < in; ++k) {
      const float size = k % 17 == 3 ? 12.0f : 0.4f;
      x.push_back(size * (normal(random) + common));
    }
  }
  return x;
}

inline engine::InputMoments MomentsOf(const std::vector<float>& x, std::int64_t in) {
  const auto size = static_cast<std::size_t>(in);
  engine::InputMoments moments;
  moments.in = in;
  moments.num_tokens = static_cast<std::int64_t>(x.size() / size);
  moments.gram.resize(size * size);
  moments.abs_sum.resize(size);
  for (std::size_t t = 0; t < x.size(); t += size) {
    for (std::size_t i = 0; i < size; ++i) {
      moments.abs_sum[i] += std::abs(x[t + i]);
      for (std::size_t j = 0; j < size; ++j) moments.gram[i * size + j] += x[t + i] * x[t + j];
    }
  }
  return moments;
}

inline std::vector<float> RandomWeight(std::int64_t out, std::int64_t in) {
  std::mt19937 random(5);
  std::normal_distribution<float> normal(0.0f, 0.05f);
  std::vector<float> weight(static_cast<std::size_t>(out * in));
  for (float& value : weight) value = normal(random);
  return weight;
}

// The squared error of all outputs over all inputs `x`.
inline double OutputError(const std::vector<float>& weight, const std::vector<float>& quantized,
                          const std::vector<float>& x, std::int64_t in) {
  const auto size = static_cast<std::size_t>(in);
  double error = 0;
  for (std::size_t t = 0; t < x.size(); t += size) {
    for (std::size_t n = 0; n < weight.size(); n += size) {
      double difference = 0;
      for (std::size_t k = 0; k < size; ++k) {
        difference += (double{weight[n + k]} - quantized[n + k]) * x[t + k];
      }
      error += difference * difference;
    }
  }
  return error;
}

inline kernels::MatrixView View(const std::vector<float>& values, std::int64_t cols) {
  return {.data = const_cast<float*>(values.data()),
          .rows = static_cast<std::int64_t>(values.size()) / cols,
          .cols = cols,
          .row_stride = cols};
}

}  // namespace quire::testing
