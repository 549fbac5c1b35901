#include "kernels/linear.h"

#include <algorithm>

#include "base/check.h"
#include "kernels/cpu/cpu_stream.h"
#include "kernels/cpu/operations.h"
#include "kernels/cpu/row_linear.h"

namespace quire::kernels::cpu {
namespace {

// Outputs of a piece are a multiple of every register tile, so that only the last has a remainder.
constexpr std::int64_t kGemvPieceAlignment = 8;
// Below this much weight one thread is done before a second has started.
constexpr std::int64_t kSerialBytes = 128 << 10;
// Outputs of one piece of a matrix-matrix product: one group of the microkernel.
constexpr std::int64_t kGemmPieceOutputs = 16;

const float* ScalesFrom(const float* scales, std::int64_t output) {
  return scales == nullptr ? nullptr : scales + output;
}

void LinearFewTokens(const LinearArgs& args, const float* scales, CpuStream& stream) {
  const LinearMicrokernels& kernels = stream.microkernels().linear;
  const auto gemv = kernels.gemv[ElementIndex(args.weight.dtype)];
  const std::int64_t outputs = args.weight.rows;
  const std::int64_t row_bytes =
      std::max<std::int64_t>(1, args.weight.cols * BytesPerElement(args.weight.dtype));
  const auto run = [&](std::int64_t begin, std::int64_t end) {
    gemv({.x = FloatRow(args.x, 0),
          .x_stride = args.x.row_stride,
          .tokens = static_cast<int>(args.x.rows),
          .w = ByteRow(args.weight, begin),
          .w_stride = args.weight.row_stride,
          .in = args.weight.cols,
          .outputs = static_cast<int>(end - begin),
          .scales = ScalesFrom(scales, begin),
          .bias = BiasFrom(args.bias, begin),
          .y = FloatRow(args.y, 0) + begin,
          .y_stride = args.y.row_stride,
          .accumulate = args.accumulate});
  };
  if (outputs * row_bytes <= kSerialBytes) {
    run(0, outputs);
    return;
  }
  const std::int64_t piece_outputs =
      CeilDivide(std::max<std::int64_t>(1, kGemvPieceBytes / row_bytes), kGemvPieceAlignment) *
      kGemvPieceAlignment;
  stream.pool().Run(CeilDivide(outputs, piece_outputs), [&](std::int64_t piece, int) {
    const std::int64_t begin = piece * piece_outputs;
    run(begin, std::min(outputs, begin + piece_outputs));
  });
}

// At most kGemmTokens rows, from row `first` of x on.
void LinearBlock(const LinearArgs& args, const float* scales, std::int64_t first, int tokens,
                 CpuStream& stream) {
  const LinearMicrokernels& kernels = stream.microkernels().linear;
  const auto gemm = kernels.gemm[ElementIndex(args.weight.dtype)];
  const std::int64_t in = args.weight.cols;
  const std::int64_t outputs = args.weight.rows;
  const std::int64_t padded_in = CeilDivide(in, kernels.lanes) * kernels.lanes;
  float* const packed = stream.Scratch(tokens * padded_in);
  float* const scratch = stream.WorkerScratch(kernels.scratch_floats);
  if (packed == nullptr || scratch == nullptr) return;

  const std::int64_t tiles = CeilDivide(tokens, kernels.row_tile);
  ForRows(stream, tiles, kernels.row_tile * in, [&](std::int64_t begin, std::int64_t end) {
    const std::int64_t row = begin * kernels.row_tile;
    const std::int64_t rows = std::min<std::int64_t>(tokens, end * kernels.row_tile) - row;
    kernels.pack_rows(FloatRow(args.x, first + row), args.x.row_stride, static_cast<int>(rows), in,
                      packed + row * padded_in);
  });
  stream.pool().Run(CeilDivide(outputs, kGemmPieceOutputs), [&](std::int64_t piece, int worker) {
    const std::int64_t begin = piece * kGemmPieceOutputs;
    gemm({.packed_x = packed,
          .tokens = tokens,
          .w = ByteRow(args.weight, begin),
          .w_stride = args.weight.row_stride,
          .in = in,
          .outputs = static_cast<int>(std::min(kGemmPieceOutputs, outputs - begin)),
          .scales = ScalesFrom(scales, begin),
          .bias = BiasFrom(args.bias, begin),
          .y = FloatRow(args.y, first) + begin,
          .y_stride = args.y.row_stride,
          .accumulate = args.accumulate,
          .scratch = scratch + worker * kernels.scratch_floats});
  });
}

}  // namespace

void RowLinear(const LinearArgs& args, const float* scales, CpuStream& stream) {
  const std::int64_t tokens = args.x.rows;
  if (tokens == 0) return;
  if (tokens <= stream.microkernels().linear.gemv_tokens) {
    LinearFewTokens(args, scales, stream);
    return;
  }
  for (std::int64_t first = 0; first < tokens; first += kGemmTokens) {
    LinearBlock(args, scales, first,
                static_cast<int>(std::min<std::int64_t>(kGemmTokens, tokens - first)), stream);
  }
}

void Linear(const LinearArgs& args, Stream& stream) {
  QUIRE_DCHECK(args.x.cols == args.weight.cols && args.y.cols == args.weight.rows &&
               args.x.rows == args.y.rows);
  RowLinear(args, /*scales=*/nullptr, CpuStream::From(stream));
}

}  // namespace quire::kernels::cpu
