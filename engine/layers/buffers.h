#pragma once

#include <cstdint>
#include <memory>
#include <span>

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

// Integers on a device that every step writes anew: token ids, positions, slots. Empty until
// created.
//
// Thread-compatible.
class IndexBuffer {
 public:
  IndexBuffer() = default;
  static StatusOr<IndexBuffer> Create(std::int64_t max_size, kernels::Device& device);

  // Enqueues the copy of `values`, which must stay as they are until the stream is synchronized.
  // Returns where they will be. Requires: at most max_size values.
  const std::int32_t* Upload(std::span<const std::int32_t> values, kernels::Device& device,
                             kernels::Stream& stream);
  std::int64_t size_bytes() const { return memory_->size_bytes(); }

 private:
  explicit IndexBuffer(std::unique_ptr<kernels::DeviceMemory> memory)
      : memory_(std::move(memory)) {}

  std::unique_ptr<kernels::DeviceMemory> memory_;
};

}  // namespace quire::engine
