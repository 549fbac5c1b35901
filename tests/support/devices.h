#pragma once

#include <cctype>
#include <string>
#include <tuple>
#include <vector>

#include "kernels/device.h"

// Test parameters: the devices of this machine by name, but those that round what they multiply to
// 16 bits: results recorded from f32 or f64 are not what they give. Of those the conformance tests
// say how far off they may be.

namespace quire::testing {

inline std::vector<std::string> DeviceNames() {
  std::vector<std::string> names;
  for (const auto& device : kernels::EnumerateDevices()) {
    if (!device->name().ends_with("/half")) names.emplace_back(device->name());
  }
  return names;
}

// A device name as GoogleTest allows it in a test's name.
inline std::string TestName(std::string name) {
  for (char& c : name) c = std::isalnum(static_cast<unsigned char>(c)) != 0 ? c : '_';
  return name;
}

// Names a test by its parameter, the tuple of a model's name and a device's.
inline constexpr auto ModelAndDeviceName = [](const auto& test) {
  return TestName(std::string(std::get<0>(test.param)) + "_" + std::get<1>(test.param));
};

}  // namespace quire::testing
