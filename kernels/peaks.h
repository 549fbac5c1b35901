#pragma once

namespace quire::kernels {

// What a device reaches when nothing but memory or nothing but arithmetic limits it: the marks that
// a kernel's own figures are compared with.
struct Peaks {
  double read_bytes_per_s = 0;  // streaming read of memory far larger than any cache
  double f32_flops_per_s = 0;   // multiply-adds on registers, two operations each
};

}  // namespace quire::kernels
