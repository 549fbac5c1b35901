#include "kernels/cuda/cuda_stream.h"
#include "kernels/cuda/launch.cuh"
#include "kernels/cuda/pack_codes.h"

namespace quire::kernels::cuda {
namespace {

constexpr int kThreads = 256;

// One thread per 32-bit word of the result.
__global__ void __launch_bounds__(kThreads)
    PackCodesKernel(const std::uint8_t* codes,   // [rows, in]
                    const std::int32_t* inputs,  // [units * 64] or null: see WeightView
                    std::uint32_t* to,           // [tiles, units, words of a unit]
                    std::int64_t rows, std::int64_t in, int units, int code_bits,
                    std::int64_t num_words) {
  const std::int64_t index = static_cast<std::int64_t>(blockIdx.x) * kThreads + threadIdx.x;
  if (index >= num_words) return;
  const int unit_words = UnitBytes(code_bits) / 4;
  const std::int64_t tile = index / unit_words / units;
  const std::int64_t unit = index / unit_words % units;
  to[index] = MakeUnitWord(static_cast<int>(index % unit_words), code_bits, [&](int n, int k) {
    const std::int64_t row = tile * kTileOutputs + n;
    const std::int64_t place = unit * kUnitInputs + k;
    const std::int64_t input = inputs != nullptr ? inputs[place] : place;
    return row < rows && input >= 0 && input < in ? std::uint32_t{codes[row * in + input]} : 0u;
  });
}

}  // namespace

void PackCodes(const std::uint8_t* codes, std::int64_t rows, int num_tiles,
               const WeightView& weight, std::uint8_t* to, CudaStream& stream) {
  const std::int64_t num_words =
      std::int64_t{num_tiles} * weight.units * (UnitBytes(weight.code_bits) / 4);
  if (num_words == 0) return;
  Launch(PackCodesKernel, {static_cast<unsigned>((num_words + kThreads - 1) / kThreads), kThreads},
         stream, codes, weight.inputs, reinterpret_cast<std::uint32_t*>(to), rows, weight.in,
         weight.units, weight.code_bits, num_words);
}

}  // namespace quire::kernels::cuda
