#pragma once

#include <cstdint>
#include <cstring>
#include <memory>
#include <span>
#include <utility>

#include "base/check.h"
#include "base/status.h"
#include "kernels/device.h"

namespace quire::engine {

// Rows of f32 on a device that every step reuses: activations, logits. Empty until created.
//
// Thread-compatible.
class ActivationBuffer {
 public:
  ActivationBuffer() = default;
  // Room for `max_rows` rows of `cols`. Returns RESOURCE_EXHAUSTED if the device lacks the memory.
  static StatusOr<ActivationBuffer> Create(std::int64_t max_rows, std::int64_t cols,
                                           kernels::Device& device);

  // The first `rows` rows. Requires: rows <= max_rows.
  kernels::MatrixView Rows(std::int64_t rows) const;
  std::int64_t size_bytes() const { return memory_->size_bytes(); }

 private:
  ActivationBuffer(std::unique_ptr<kernels::DeviceMemory> memory, std::int64_t cols)
      : memory_(std::move(memory)), cols_(cols) {}

  std::unique_ptr<kernels::DeviceMemory> memory_;
  std::int64_t cols_ = 0;
};

// Values on a device that every step writes anew, by way of pinned memory, so that the copy needs
// no CPU: token ids, positions, slots. Empty until created.
//
// Thread-compatible.
template <typename T>
class StepBuffer {
 public:
  StepBuffer() = default;
  // Returns RESOURCE_EXHAUSTED if device or host lack the memory.
  static StatusOr<StepBuffer> Create(std::int64_t max_size, kernels::Device& device) {
    const auto size_bytes = max_size * static_cast<std::int64_t>(sizeof(T));
    QUIRE_ASSIGN_OR_RETURN(auto memory, device.Allocate(size_bytes));
    QUIRE_ASSIGN_OR_RETURN(auto host, device.AllocateHost(size_bytes));
    return StepBuffer(std::move(memory), std::move(host));
  }

  // Enqueues the copy of `values`. Returns where they will be. Requires: at most max_size values;
  // the stream was synchronized since the last copy.
  const T* Upload(std::span<const T> values, kernels::Device& device, kernels::Stream& stream) {
    const auto size_bytes = static_cast<std::int64_t>(values.size_bytes());
    QUIRE_DCHECK(size_bytes <= memory_->size_bytes());
    if (size_bytes > 0) {
      std::memcpy(host_->data(), values.data(), values.size_bytes());
      device.CopyToDevice(data(), host_->data(), size_bytes, stream);
    }
    return data();
  }
  // Enqueues the copy of the first `size` values back. Returns where they will be, until the next
  // copy.
  std::span<const T> Download(std::size_t size, kernels::Device& device, kernels::Stream& stream) {
    const std::span values(static_cast<const T*>(host_->data()), size);
    const auto size_bytes = static_cast<std::int64_t>(values.size_bytes());
    QUIRE_DCHECK(size_bytes <= memory_->size_bytes());
    if (size_bytes > 0) device.CopyToHost(host_->data(), data(), size_bytes, stream);
    return values;
  }
  T* data() const { return static_cast<T*>(memory_->data()); }
  // Of device and host.
  std::int64_t size_bytes() const { return memory_->size_bytes() + host_->size_bytes(); }

 private:
  StepBuffer(std::unique_ptr<kernels::DeviceMemory> memory,
             std::unique_ptr<kernels::DeviceMemory> host)
      : memory_(std::move(memory)), host_(std::move(host)) {}

  std::unique_ptr<kernels::DeviceMemory> memory_;
  std::unique_ptr<kernels::DeviceMemory> host_;
};

using IndexBuffer = StepBuffer<std::int32_t>;

}  // namespace quire::engine
