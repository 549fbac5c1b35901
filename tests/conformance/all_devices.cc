#include "tests/conformance/kernel_test.h"

namespace quire::kernels {

const std::vector<std::unique_ptr<Device>>& AllDevices() {
  static const auto* const kDevices = new std::vector<std::unique_ptr<Device>>(EnumerateDevices());
  return *kDevices;
}

}  // namespace quire::kernels
