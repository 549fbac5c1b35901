#pragma once

#include <cstdint>
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

// Values on a device that every step writes anew: token ids, positions, slots. Empty until created.
//
// Thread-compatible.
template <typename T>
class StepBuffer {
 public:
  StepBuffer() = default;
  // Returns RESOURCE_EXHAUSTED if the device lacks the memory.
  static StatusOr<StepBuffer> Create(std::int64_t max_size, kernels::Device& device) {
    const auto element_bytes = static_cast<std::int64_t>(sizeof(T));
    QUIRE_ASSIGN_OR_RETURN(auto memory, device.Allocate(max_size * element_bytes));
    return StepBuffer(std::move(memory));
  }

  // Enqueues the copy of `values`, which must stay as they are until the stream is synchronized.
  // Returns where they will be. Requires: at most max_size values.
  const T* Upload(std::span<const T> values, kernels::Device& device, kernels::Stream& stream) {
    const auto size_bytes = static_cast<std::int64_t>(values.size_bytes());
    QUIRE_DCHECK(size_bytes <= memory_->size_bytes());
    if (size_bytes > 0) device.CopyToDevice(data(), values.data(), size_bytes, stream);
    return data();
  }
  T* data() const { return static_cast<T*>(memory_->data()); }
  std::int64_t size_bytes() const { return memory_->size_bytes(); }

 private:
  explicit StepBuffer(std::unique_ptr<kernels::DeviceMemory> memory) : memory_(std::move(memory)) {}

  std::unique_ptr<kernels::DeviceMemory> memory_;
};

using IndexBuffer = StepBuffer<std::int32_t>;

}  // namespace quire::engine
