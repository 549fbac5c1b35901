#pragma once

#include <cstdint>

#include "kernels/cpu/vec-inl.h"

namespace quire::kernels::cpu::QUIRE_ISA {
namespace {

// Eight independent sums: loads, not the latency of additions, set the pace.
float ReadAll(const float* from, std::int64_t count) {
  constexpr int kSums = 8;
  VecF32 sums[kSums];
  for (int i = 0; i < kSums; ++i) sums[i] = VecF32::Zero();
  for (std::int64_t k = 0; k < count; k += kSums * VecF32::kLanes) {
    for (int i = 0; i < kSums; ++i) sums[i] = sums[i] + VecF32::Load(from + k + i * VecF32::kLanes);
  }
  float total = 0.0f;
  for (int i = 0; i < kSums; ++i) total += sums[i].Sum();
  return total;
}

// Twelve chains: more than latency times units of any core so far (5 x 2, 4 x 2).
double MultiplyAddRounds(std::int64_t iterations, float* sink) {
  constexpr int kChains = 12;
  VecF32 chains[kChains];
  for (int i = 0; i < kChains; ++i) chains[i] = VecF32::Splat(static_cast<float>(i));
  const VecF32 factor = VecF32::Splat(0.999f);
  const VecF32 term = VecF32::Splat(0.001f);
  for (std::int64_t k = 0; k < iterations; ++k) {
    for (int i = 0; i < kChains; ++i) chains[i] = VecF32::MulAdd(chains[i], factor, term);
  }
  VecF32 total = VecF32::Zero();
  for (int i = 0; i < kChains; ++i) total = total + chains[i];
  *sink = total.Sum();
  return 2.0 * static_cast<double>(iterations) * kChains * VecF32::kLanes;
}

}  // namespace
}  // namespace quire::kernels::cpu::QUIRE_ISA
