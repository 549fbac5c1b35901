#pragma once

#include <random>
#include <span>

namespace quire::kernels {

// Fills `values` with draws from the standard normal distribution. A function of its own because it
// is compiled with optimization, unlike other test code: drawing takes a quarter of the time of
// conformance tests otherwise.
void FillNormal(std::span<float> values, std::mt19937& random);

}  // namespace quire::kernels
