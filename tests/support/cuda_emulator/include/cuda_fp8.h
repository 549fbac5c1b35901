#pragma once

// Stands for CUDA's header of this name: see cuda_runtime.h beside it.

#include <cstdint>

#include "cuda_runtime.h"
#include "kernels/half.h"

using __nv_fp8_storage_t = std::uint8_t;
enum __nv_saturation_t { __NV_NOSAT, __NV_SATFINITE };
enum __nv_fp8_interpretation_t { __NV_E4M3, __NV_E5M2 };

// Only what kernels/cuda uses: e4m3 with saturation.
inline __nv_fp8_storage_t __nv_cvt_float_to_fp8(float x, __nv_saturation_t saturation,
                                                __nv_fp8_interpretation_t format) {
  if (saturation != __NV_SATFINITE || format != __NV_E4M3) {
    quire::cuda_emulator::Fault("__nv_cvt_float_to_fp8: only e4m3 with saturation is emulated");
  }
  return quire::kernels::F32ToF8E4M3(x);
}
