#pragma once

#include <cstdint>

#include "kernels/tensor.h"

// Scalar conversions between f32 and the short formats, round to nearest even, NaN stays NaN.
// Source: IEEE 754-2019 binary16; bf16 is the upper half of binary32; Micikevicius et al. 2022,
// "FP8 Formats for Deep Learning", table 1.

namespace quire::kernels {

float F16ToF32(std::uint16_t bits);
std::uint16_t F32ToF16(float value);
float BF16ToF32(std::uint16_t bits);
std::uint16_t F32ToBF16(float value);
// e4m3: 448 is the largest, there is no infinity, and what is larger becomes 448.
float F8E4M3ToF32(std::uint8_t bits);
std::uint8_t F32ToF8E4M3(float value);

// `from`: `count` elements of `dtype` (f32, f16 or bf16), element-aligned.
void ConvertToF32(DType dtype, const void* from, float* to, std::int64_t count);
void ConvertFromF32(DType dtype, const float* from, void* to, std::int64_t count);

}  // namespace quire::kernels
