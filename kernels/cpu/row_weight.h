#pragma once

#include <memory>

#include "kernels/cpu/cpu_packed_weight.h"
#include "kernels/device.h"

namespace quire::kernels::cpu {

// Signed bytes, row by row, with a scale for each row: the same products as with a weight of
// floats, times the scale.
class RowWeight final : public CpuPackedWeight {
 public:
  // Requires IsInt8PerOutput(weight.layout()).
  static StatusOr<std::unique_ptr<PackedWeight>> Pack(const QuantizedWeight& weight,
                                                      ThreadPool& pool);

  std::int64_t out() const override { return codes_.rows; }
  std::int64_t in() const override { return codes_.cols; }
  std::int64_t size_bytes() const override { return memory_->size_bytes(); }
  void Multiply(const QuantizedLinearArgs& args, CpuStream& stream) const override;
  void DecodeRow(std::int64_t row, float* values) const override;

 private:
  RowWeight(std::unique_ptr<DeviceMemory> memory, const MatrixView& codes, const float* scales)
      : memory_(std::move(memory)), codes_(codes), scales_(scales) {}

  const std::unique_ptr<DeviceMemory> memory_;
  const MatrixView codes_;  // [out, in] i8
  const float* const scales_;
};

}  // namespace quire::kernels::cpu
