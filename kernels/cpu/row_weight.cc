#include "kernels/cpu/row_weight.h"

#include <algorithm>

#include "kernels/cpu/cpu_memory.h"
#include "kernels/cpu/cpu_stream.h"
#include "kernels/cpu/row_linear.h"

namespace quire::kernels::cpu {
namespace {

constexpr std::int64_t kRowsPerPiece = 64;
constexpr int kMiddle = 128;

}  // namespace

StatusOr<std::unique_ptr<PackedWeight>> RowWeight::Pack(const QuantizedWeight& weight,
                                                        ThreadPool& pool) {
  const QuantizedLayout& layout = weight.layout();
  const auto scale_bytes = layout.out * static_cast<std::int64_t>(sizeof(float));
  QUIRE_ASSIGN_OR_RETURN(auto memory, AllocateCpuMemory(scale_bytes + layout.out * layout.in));
  auto* const scales = static_cast<float*>(memory->data());
  auto* const codes = static_cast<std::uint8_t*>(memory->data()) + scale_bytes;
  pool.Run(CeilDivide(layout.out, kRowsPerPiece), [&](std::int64_t piece, int) {
    const std::int64_t first = piece * kRowsPerPiece;
    const std::int64_t count = std::min(kRowsPerPiece, layout.out - first);
    std::uint8_t* const to = codes + first * layout.in;
    weight.ReadCodesAndScales(first, count, to, scales + first, nullptr);
    for (std::int64_t i = 0; i < count * layout.in; ++i) {
      to[i] = static_cast<std::uint8_t>(to[i] - kMiddle);
    }
  });
  const MatrixView view = {.data = codes,
                           .rows = layout.out,
                           .cols = layout.in,
                           .row_stride = layout.in,
                           .dtype = DType::kI8};
  return std::unique_ptr<PackedWeight>(new RowWeight(std::move(memory), view, scales));
}

void RowWeight::Multiply(const QuantizedLinearArgs& args, CpuStream& stream) const {
  RowLinear({.x = args.x,
             .weight = codes_,
             .bias = args.bias,
             .y = args.y,
             .accumulate = args.accumulate},
            scales_, stream);
}

void RowWeight::DecodeRow(std::int64_t row, float* values) const {
  const auto* codes = reinterpret_cast<const std::int8_t*>(ByteRow(codes_, row));
  for (std::int64_t k = 0; k < codes_.cols; ++k) {
    values[k] = scales_[row] * static_cast<float>(codes[k]);
  }
}

}  // namespace quire::kernels::cpu
