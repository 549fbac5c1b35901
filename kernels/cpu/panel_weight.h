#pragma once

#include <cstdint>
#include <memory>
#include <vector>

#include "kernels/cpu/cpu_packed_weight.h"
#include "kernels/device.h"

namespace quire::kernels::cpu {

// Codes of 2 to 8 bits with group scales, in panels (microkernels.h). The inputs stand group by
// group, whatever order the format had them in; a group is padded to whole units.
class PanelWeight final : public CpuPackedWeight {
 public:
  static StatusOr<std::unique_ptr<PackedWeight>> Pack(const QuantizedWeight& weight,
                                                      ThreadPool& pool);

  std::int64_t out() const override { return out_; }
  std::int64_t in() const override { return in_; }
  std::int64_t size_bytes() const override { return memory_->size_bytes(); }
  void Multiply(const QuantizedLinearArgs& args, CpuStream& stream) const override;
  void DecodeRow(std::int64_t row, float* values) const override;

 private:
  // Where the inputs of the format go.
  struct Order {
    std::vector<std::int32_t> groups;       // of the format, those that have inputs
    std::vector<std::int32_t> group_units;  // of each of them
    std::vector<std::int32_t> input;        // [packed inputs]: of the format; -1 is padding
  };

  PanelWeight(const QuantizedLayout& layout, Order order);
  static Order OrderInputs(const QuantizedLayout& layout, int unit_inputs);

  std::int64_t num_panels() const;
  std::int64_t packed_in() const { return static_cast<std::int64_t>(order_.input.size()); }
  char* Panel(std::int64_t panel) const {
    return static_cast<char*>(memory_->data()) + panel * format_.panel_bytes;
  }
  void PackPanel(const QuantizedWeight& weight, std::int64_t panel) const;

  // Some rows of x with the inputs in packed order, and what goes with them.
  struct Rows {
    const float* x = nullptr;  // [tokens, packed_in]
    std::int64_t stride = 0;
    const float* group_sums = nullptr;  // [tokens, num_groups]; undefined with PanelShift::kNone
    float* tiles = nullptr;             // room for a second copy, where one was asked for
  };
  // Takes rows [first, first + tokens) of x. Null x if there is no memory.
  Rows GatherRows(const MatrixView& x, std::int64_t first, int tokens, bool with_tiles,
                  CpuStream& stream) const;
  void MultiplyFewTokens(const QuantizedLinearArgs& args, CpuStream& stream) const;
  void MultiplyBlock(const QuantizedLinearArgs& args, std::int64_t first, int tokens,
                     CpuStream& stream) const;

  const std::int64_t out_;
  const std::int64_t in_;
  const Order order_;
  const bool keeps_order_;  // packed inputs are those of the format
  const std::vector<float> table_;
  const CodeShift shift_;
  const CodeKind code_kind_;
  const UnitPlanes planes_;  // of code_kind_
  PanelFormat format_;       // points into the members above
  std::unique_ptr<DeviceMemory> memory_;
};

}  // namespace quire::kernels::cpu
