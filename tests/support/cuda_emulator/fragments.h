#pragma once

// What tensor cores do with fragments of a warp. Contracts and layouts: kernels/cuda/ptx.cuh.

namespace quire::cuda_emulator {

void LdMatrix(unsigned (&r)[4], const void* row, bool transposed);

// Sums as an A100 adds them, the coarsest of the devices we compile for: products are exact; eight
// of them and what is in `c` are cut to 26 bits below the largest exponent, added exactly, and the
// sum is cut to f32; twice. Source: Fasi, Higham, Mikaitis and Pranesh 2021, "Numerical behavior of
// NVIDIA tensor cores".
void MmaF16(float (&c)[4], const unsigned (&a)[4], unsigned b0, unsigned b1);
void MmaBF16(float (&c)[4], const unsigned (&a)[4], unsigned b0, unsigned b1);

void MmaI8(int (&c)[4], const unsigned (&a)[4], unsigned b0, unsigned b1);

}  // namespace quire::cuda_emulator
