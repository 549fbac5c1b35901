#include "kernels/device.h"

#include <iterator>
#include <utility>

#include "kernels/cpu/cpu_device.h"
#include "kernels/cuda/cuda_device.h"

namespace quire::kernels {

std::vector<std::unique_ptr<Device>> EnumerateDevices(const DeviceOptions& options) {
  auto devices = cpu::EnumerateCpuDevices(options);
  // Last until the kernels have been measured on one: chosen by name only.
  auto cuda_devices = cuda::EnumerateCudaDevices();
  std::move(cuda_devices.begin(), cuda_devices.end(), std::back_inserter(devices));
  return devices;
}

StatusOr<std::unique_ptr<Device>> FindDevice(std::string_view prefix,
                                             const DeviceOptions& options) {
  std::string names;
  for (std::unique_ptr<Device>& device : EnumerateDevices(options)) {
    if (device->name().starts_with(prefix)) return std::move(device);
    names += names.empty() ? "" : ", ";
    names += device->name();
  }
  return NotFound("device: wanted {}, have {}", prefix, names);
}

}  // namespace quire::kernels
