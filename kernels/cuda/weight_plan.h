#pragma once

#include <cstdint>
#include <vector>

#include "kernels/cuda/weight_view.h"
#include "kernels/quant/quantized_weight.h"

namespace quire::kernels::cuda {

// How a weight is laid out on a device: everything about a WeightView but its addresses. Host
// memory only, so that it can be tested without a device.
struct WeightPlan {
  WeightView view;                           // no pointers yet
  std::vector<std::int32_t> inputs;          // [units * 64] of the format; -1 is padding
  bool keeps_order = false;                  // inputs are 0, 1, ... in - 1, then padding
  std::vector<std::int32_t> granule_groups;  // [granules]: the format's group of each

  std::int64_t codes_bytes() const;
  std::int64_t terms_bytes() const;
  std::int64_t steps_bytes() const;
  std::int64_t inputs_bytes() const;  // 0 if keeps_order
};

WeightPlan PlanWeight(const QuantizedLayout& layout);

// The terms and steps of `num_tiles` tiles from `first_tile` on, as WeightView has them. Outputs
// beyond the last are zeros. `terms` and `steps`: room for them.
void WriteTerms(const QuantizedWeight& weight, const WeightPlan& plan, int first_tile,
                int num_tiles, std::uint8_t* terms, std::uint8_t* steps);

}  // namespace quire::kernels::cuda
