#pragma once

#include <cstdint>

#include "kernels/cuda/weight_view.h"
#include "kernels/quantized_linear.h"

namespace quire::kernels::cuda {

// A quantized weight in the memory of a CUDA device.
class CudaPackedWeight final : public PackedWeight {
 public:
  // `view` points into `memory`, from cudaMalloc, which the object frees.
  CudaPackedWeight(const WeightView& view, void* memory, std::int64_t size_bytes)
      : view_(view), memory_(memory), size_bytes_(size_bytes) {}
  ~CudaPackedWeight() override;
  CudaPackedWeight(const CudaPackedWeight&) = delete;
  CudaPackedWeight& operator=(const CudaPackedWeight&) = delete;

  std::int64_t out() const override { return view_.out; }
  std::int64_t in() const override { return view_.in; }
  std::int64_t size_bytes() const override { return size_bytes_; }
  const WeightView& view() const { return view_; }

 private:
  const WeightView view_;
  void* const memory_;
  const std::int64_t size_bytes_;
};

}  // namespace quire::kernels::cuda
