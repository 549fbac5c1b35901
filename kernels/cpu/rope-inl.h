#pragma once

#include <cstdint>

#include "kernels/cpu/vec-inl.h"

namespace quire::kernels::cpu::QUIRE_ISA {
namespace {

// The angle is exact in f64: 24 bits of frequency times at most 29 of position. It is reduced to
// [-pi/4, pi/4] there, and the polynomials (interpolating at Chebyshev nodes) run in f32.
void RopeAngles(std::int32_t position, const float* inverse_frequency, int count, float factor,
                float* sines, float* cosines) {
  for (int i = 0; i < count; ++i) {
    const double angle = static_cast<double>(position) * static_cast<double>(inverse_frequency[i]);
    // Adding 1.5 * 2^52 rounds to the nearest integer and leaves it in the low bits.
    const double shifted = angle * 0.63661977236758134 + 0x1.8p52;
    const double quarter_turns = shifted - 0x1.8p52;
    std::int64_t bits = 0;
    __builtin_memcpy(&bits, &shifted, sizeof(bits));
    // pi / 2 in two parts.
    const float r = static_cast<float>((angle - quarter_turns * 1.5707963267948966) -
                                       quarter_turns * 6.123233995736766e-17);
    const float u = r * r;
    const float sine = r + r * u * (-0.166666647f + u * (0.0083327471f + u * -0.000195876391f));
    const float cosine =
        1.0f - 0.5f * u + u * u * (0.0416666647f + u * (-0.00138883019f + u * 2.454769e-05f));
    const bool swap = (bits & 1) != 0;
    const float s = swap ? cosine : sine;
    const float c = swap ? sine : cosine;
    sines[i] = factor * ((bits & 2) != 0 ? -s : s);
    cosines[i] = factor * (((bits + 1) & 2) != 0 ? -c : c);
  }
}

void RopeHead(float* x, const float* sines, const float* cosines, int half) {
  int i = 0;
  for (; i + VecF32::kLanes <= half; i += VecF32::kLanes) {
    const VecF32 a = VecF32::Load(x + i);
    const VecF32 b = VecF32::Load(x + half + i);
    const VecF32 s = VecF32::Load(sines + i);
    const VecF32 c = VecF32::Load(cosines + i);
    (a * c - b * s).Store(x + i);
    (b * c + a * s).Store(x + half + i);
  }
  for (; i < half; ++i) {
    const float a = x[i];
    const float b = x[half + i];
    x[i] = a * cosines[i] - b * sines[i];
    x[half + i] = b * cosines[i] + a * sines[i];
  }
}

}  // namespace
}  // namespace quire::kernels::cpu::QUIRE_ISA
