#pragma once

#include <cuda_runtime.h>

#include <cstdint>

namespace quire::kernels::cuda {

// Sine and cosine times the attention factor.
struct Angle {
  float sine;
  float cosine;
};

__device__ inline Angle RopeAngle(std::int32_t position, float inverse_frequency, float factor) {
  double sine = 0.0;
  double cosine = 0.0;
  sincos(static_cast<double>(position) * inverse_frequency, &sine, &cosine);
  return {factor * static_cast<float>(sine), factor * static_cast<float>(cosine)};
}

// The halves of a pair after the turn. The compiler may not choose where to round, so that every
// kernel gives the same bits.
__device__ inline float TurnedFirst(float first, float second, const Angle& angle) {
  return __fmaf_rn(-second, angle.sine, __fmul_rn(first, angle.cosine));
}
__device__ inline float TurnedSecond(float first, float second, const Angle& angle) {
  return __fmaf_rn(first, angle.sine, __fmul_rn(second, angle.cosine));
}

}  // namespace quire::kernels::cuda
