#pragma once

#include <cstdint>
#include <string>

#include "engine/formats/weight_source.h"

namespace quire::engine {

// Weights of any name and shape, made up: matrices of random bf16, uniform in [-0.05, 0.05), and
// vectors of ones. The same seed and name give the same weight. For benchmarks, where only shapes
// matter; the values keep activations finite.
//
// Thread-safe.
class RandomWeights final : public WeightSource {
 public:
  explicit RandomWeights(std::uint64_t seed) : seed_(seed) {}

  // Biases are left out: a shape's name says nothing of them.
  bool Contains(const std::string& name) const override;
  // Memory in huge pages where the system grants them, filled by all cores. Returns
  // RESOURCE_EXHAUSTED if it is not there.
  StatusOr<HostTensor> Get(const std::string& name,
                           std::span<const std::int64_t> shape) const override;

 private:
  const std::uint64_t seed_;
};

}  // namespace quire::engine
