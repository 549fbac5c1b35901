#pragma once

#include <cstdint>
#include <memory>
#include <vector>

#include "kernels/quant/quantized_weight.h"
#include "kernels/tensor.h"

namespace quire::kernels {

// A weight [out, in] in codes of 4 bits as a quantizer makes them, before a format packs them:
// value[n, k] = scales[n, g] * (codes[n, k] - zeros[n, g]) with g = group_of_input[k].
struct GroupCodes {
  std::int64_t out = 0;
  std::int64_t in = 0;
  std::int32_t num_groups = 0;
  std::vector<std::uint8_t> codes;           // [out, in], below 16
  std::vector<float> scales;                 // [out, num_groups], each a value of f16
  std::vector<std::uint8_t> zeros;           // [out, num_groups], below 16
  std::vector<std::int32_t> group_of_input;  // [in]
};

// A grid of 16 values: scale * (code - zero) for codes 0 to 15.
struct CodeGrid {
  float scale = 1;
  std::uint8_t zero = 0;

  // The code whose value is nearest to `value`; 0 or 15 beyond the ends, `zero` for what is no
  // number.
  std::uint8_t Code(float value) const;
  float Value(std::uint8_t code) const {
    return scale * static_cast<float>(static_cast<int>(code) - static_cast<int>(zero));
  }
};

// A symmetric grid, zero point 8, whose largest value is `largest`: scale = largest / 7, rounded to
// f16. Scale 1 where that would be no positive f16.
CodeGrid SymmetricGrid(float largest);
// The grid from `least` to `largest`, widened to hold 0: scale = (largest - least) / 15 rounded to
// f16, zero point round(-least / scale). Scale 1 as above.
CodeGrid AsymmetricGrid(float least, float largest);

// `weight` [out, in] f32 rounded to the nearest values of asymmetric grids over runs of
// `group_size` inputs. Requires: group_size divides `in`.
GroupCodes RoundGroups(const MatrixView& weight, std::int64_t group_size);

// The weight of these codes, which must stay as they are.
std::unique_ptr<QuantizedWeight> NewGroupWeight(const GroupCodes& codes);

}  // namespace quire::kernels
