#pragma once

#include "kernels/cuda/weight_view.h"

namespace quire::kernels::cuda {

class CudaStream;

// Enqueues the packing of the codes of `num_tiles` tiles into `to`, the place of the first of them
// in WeightView::codes. `codes`: device memory, [rows, weight.in], one code a byte; outputs of the
// tiles beyond `rows` become zeros.
void PackCodes(const std::uint8_t* codes, std::int64_t rows, int num_tiles,
               const WeightView& weight, std::uint8_t* to, CudaStream& stream);

}  // namespace quire::kernels::cuda
