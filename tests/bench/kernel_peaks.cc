#include <cstdio>

#include "kernels/device.h"

// Prints the peaks of every device, with all its threads and with one: what a kernel's figures are
// compared with. Run: kernel_peaks

int main() {
  for (int num_threads : {0, 1}) {
    for (const auto& device : quire::kernels::EnumerateDevices({.num_threads = num_threads})) {
      const auto peaks = device->MeasurePeaks();
      if (!peaks.ok()) {
        std::fprintf(stderr, "%s\n", peaks.status().ToString().c_str());
        return 1;
      }
      std::printf("%-14s %-12s read %6.1f GB/s   f32 multiply-add %7.1f GFLOP/s\n",
                  std::string(device->name()).c_str(),
                  num_threads == 0 ? "all threads" : "one thread", peaks->read_bytes_per_s * 1e-9,
                  peaks->f32_flops_per_s * 1e-9);
    }
  }
}
