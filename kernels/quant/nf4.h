#pragma once

#include <array>
#include <cstdint>

namespace quire::kernels {

// The sixteen values of NF4: quantiles of a normal distribution, scaled to [-1, 1].
// Source: Dettmers et al. 2023, "QLoRA", appendix E.
extern const std::array<float, 16> kNf4Values;

// The NF4 code whose value is nearest to `scaled`; of two equally near the lower. 0 for NaN.
std::uint8_t Nf4Code(float scaled);
void Nf4Codes(const float* scaled, std::int64_t size, std::uint8_t* codes);
// What a block of weights is divided by: of 1, 0.94, 0.88 and 0.82 times its largest |w| the one
// that gives the least squared error. bitsandbytes takes the largest itself; readers do not mind.
float Nf4Scale(const float* block, std::int64_t size);

// The largest |values[i]|; numbers alone count.
float LargestMagnitude(const float* values, std::int64_t size);

}  // namespace quire::kernels
