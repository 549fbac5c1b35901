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

}  // namespace quire::engine
