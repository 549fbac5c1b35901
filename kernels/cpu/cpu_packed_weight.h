#pragma once

#include <memory>

#include "base/status.h"
#include "kernels/cpu/cpu_stream.h"
#include "kernels/cpu/thread_pool.h"
#include "kernels/quant/quantized_weight.h"
#include "kernels/quantized_linear.h"

namespace quire::kernels::cpu {

// A quantized weight as the CPU reads it. Implementations: RowWeight, PanelWeight.
class CpuPackedWeight : public PackedWeight {
 public:
  // QuantizedLinearFn over this weight.
  virtual void Multiply(const QuantizedLinearArgs& args, CpuStream& stream) const = 0;
  // The values [in] of one output, bit for bit those of DecodeQuantizedWeight.
  virtual void DecodeRow(std::int64_t row, float* values) const = 0;
};

// Packs on all threads of `pool`. Returns RESOURCE_EXHAUSTED if the machine lacks the memory.
StatusOr<std::unique_ptr<PackedWeight>> PackCpuWeight(const QuantizedWeight& weight,
                                                      ThreadPool& pool);

}  // namespace quire::kernels::cpu
