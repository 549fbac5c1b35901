#include "engine/layers/buffers.h"

#include "base/check.h"

namespace quire::engine {

StatusOr<ActivationBuffer> ActivationBuffer::Create(std::int64_t max_rows, std::int64_t cols,
                                                    kernels::Device& device) {
  const auto element_bytes = static_cast<std::int64_t>(sizeof(float));
  QUIRE_ASSIGN_OR_RETURN(auto memory, device.Allocate(max_rows * cols * element_bytes));
  return ActivationBuffer(std::move(memory), cols);
}

kernels::MatrixView ActivationBuffer::Rows(std::int64_t rows) const {
  QUIRE_DCHECK(rows * cols_ * static_cast<std::int64_t>(sizeof(float)) <= memory_->size_bytes());
  return {.data = memory_->data(), .rows = rows, .cols = cols_, .row_stride = cols_};
}

StatusOr<IndexBuffer> IndexBuffer::Create(std::int64_t max_size, kernels::Device& device) {
  const auto element_bytes = static_cast<std::int64_t>(sizeof(std::int32_t));
  QUIRE_ASSIGN_OR_RETURN(auto memory, device.Allocate(max_size * element_bytes));
  return IndexBuffer(std::move(memory));
}

const std::int32_t* IndexBuffer::Upload(std::span<const std::int32_t> values,
                                        kernels::Device& device, kernels::Stream& stream) {
  const auto size_bytes = static_cast<std::int64_t>(values.size_bytes());
  QUIRE_DCHECK(size_bytes <= memory_->size_bytes());
  device.CopyToDevice(memory_->data(), values.data(), size_bytes, stream);
  return static_cast<const std::int32_t*>(memory_->data());
}

}  // namespace quire::engine
