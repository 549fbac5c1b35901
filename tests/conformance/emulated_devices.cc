#include <cstdlib>

#include "kernels/cuda/cuda_device.h"
#include "tests/conformance/kernel_test.h"

namespace quire::kernels {

// The emulated CUDA device alone; the CPUs have a program of their own.
const std::vector<std::unique_ptr<Device>>& AllDevices() {
  static const auto* const kDevices = [] {
    auto* const devices = new auto(cuda::EnumerateCudaDevices());
    if (devices->empty()) std::abort();  // the backend without CUDA was linked
    return devices;
  }();
  return *kDevices;
}

}  // namespace quire::kernels
