#include "tests/conformance/random_values.h"

namespace quire::kernels {

void FillNormal(std::span<float> values, std::mt19937& random) {
  std::normal_distribution<float> normal;
  for (float& value : values) value = normal(random);
}

}  // namespace quire::kernels
