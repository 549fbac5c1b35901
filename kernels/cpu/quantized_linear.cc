#include "kernels/quantized_linear.h"

#include <algorithm>

#include "base/check.h"
#include "kernels/cpu/cpu_stream.h"
#include "kernels/cpu/operations.h"
#include "kernels/cpu/panel_weight.h"

namespace quire::kernels::cpu {
namespace {

// Below this much weight one thread is done before a second has started.
constexpr std::int64_t kSerialBytes = 64 << 10;

// One row in packed order.
void GatherRow(const float* x, const std::vector<std::int32_t>& inputs, float* to) {
  for (std::size_t k = 0; k < inputs.size(); ++k) to[k] = inputs[k] < 0 ? 0.0f : x[inputs[k]];
}

// Rows [0, rows) of x as [in][rows].
void PackTile(const float* x, std::int64_t stride, std::int64_t rows, std::int64_t in, float* to) {
  for (std::int64_t k = 0; k < in; ++k) {
    for (std::int64_t r = 0; r < rows; ++r) *to++ = x[r * stride + k];
  }
}

}  // namespace

PanelWeight::Rows PanelWeight::GatherRows(const MatrixView& x, std::int64_t first, int tokens,
                                          bool with_tiles, CpuStream& stream) const {
  const std::int64_t num_groups = format_.num_groups;
  const std::int64_t copies = (keeps_order_ ? 0 : 1) + (with_tiles ? 1 : 0);
  float* const scratch = stream.Scratch(tokens * (num_groups + copies * packed_in()));
  if (scratch == nullptr) return {};
  float* const group_sums = scratch;
  float* const gathered = group_sums + tokens * num_groups;
  const Rows rows = {
      .x = keeps_order_ ? FloatRow(x, first) : gathered,
      .stride = keeps_order_ ? x.row_stride : packed_in(),
      .group_sums = group_sums,
      .tiles = with_tiles ? gathered + (copies - 1) * tokens * packed_in() : nullptr};
  ForRows(stream, tokens, packed_in(), [&](std::int64_t begin, std::int64_t end) {
    for (std::int64_t t = begin; t < end; ++t) {
      if (!keeps_order_) {
        GatherRow(FloatRow(x, first + t), order_.input, gathered + t * packed_in());
      }
      if (format_.shift == PanelShift::kNone) continue;  // which needs no sums
      const float* from = rows.x + t * rows.stride;
      for (std::int64_t g = 0; g < num_groups; ++g) {
        const std::int64_t size = std::int64_t{format_.group_units[g]} * planes_.inputs;
        group_sums[t * num_groups + g] = stream.microkernels().panel.sum(from, size);
        from += size;
      }
    }
  });
  return rows;
}

void PanelWeight::MultiplyFewTokens(const QuantizedLinearArgs& args, CpuStream& stream) const {
  const PanelMicrokernels& kernels = stream.microkernels().panel;
  const auto gemv = kernels.gemv[static_cast<int>(code_kind_)];
  const auto tokens = static_cast<int>(args.x.rows);
  const Rows rows = GatherRows(args.x, 0, tokens, /*with_tiles=*/false, stream);
  if (rows.x == nullptr) return;
  const auto run = [&](std::int64_t begin, std::int64_t end) {
    const std::int64_t output = begin * kPanelOutputs;
    gemv({.format = &format_,
          .panels = Panel(begin),
          .num_panels = static_cast<int>(end - begin),
          .x = rows.x,
          .x_stride = rows.stride,
          .tokens = tokens,
          .group_sums = rows.group_sums,
          .outputs = static_cast<int>(std::min(out_, end * kPanelOutputs) - output),
          .bias = BiasFrom(args.bias, output),
          .y = FloatRow(args.y, 0) + output,
          .y_stride = args.y.row_stride,
          .accumulate = args.accumulate});
  };
  if (size_bytes() <= kSerialBytes) return run(0, num_panels());
  const std::int64_t piece_panels =
      CeilDivide(std::max<std::int64_t>(1, kGemvPieceBytes / format_.panel_bytes),
                 kernels.gemv_panels) *
      kernels.gemv_panels;
  stream.pool().Run(CeilDivide(num_panels(), piece_panels), [&](std::int64_t piece, int) {
    const std::int64_t begin = piece * piece_panels;
    run(begin, std::min(num_panels(), begin + piece_panels));
  });
}

void PanelWeight::MultiplyBlock(const QuantizedLinearArgs& args, std::int64_t first, int tokens,
                                CpuStream& stream) const {
  const PanelMicrokernels& kernels = stream.microkernels().panel;
  const auto gemm = kernels.gemm[static_cast<int>(code_kind_)];
  float* const scratch = stream.WorkerScratch(kernels.scratch_floats);
  const Rows rows = GatherRows(args.x, first, tokens, /*with_tiles=*/true, stream);
  if (scratch == nullptr || rows.x == nullptr) return;
  const std::int64_t tile = kernels.gemm_rows;
  ForRows(stream, CeilDivide(tokens, tile), tile * packed_in(),
          [&](std::int64_t begin, std::int64_t end) {
            for (std::int64_t t = begin * tile; t < std::min<std::int64_t>(tokens, end * tile);
                 t += tile) {
              PackTile(rows.x + t * rows.stride, rows.stride, std::min(tile, tokens - t),
                       packed_in(), rows.tiles + t * packed_in());
            }
          });
  stream.pool().Run(num_panels(), [&](std::int64_t panel, int worker) {
    const std::int64_t output = panel * kPanelOutputs;
    gemm({.format = &format_,
          .panel = Panel(panel),
          .packed_x = rows.tiles,
          .tokens = tokens,
          .group_sums = rows.group_sums,
          .outputs = static_cast<int>(std::min<std::int64_t>(kPanelOutputs, out_ - output)),
          .bias = BiasFrom(args.bias, output),
          .y = FloatRow(args.y, first) + output,
          .y_stride = args.y.row_stride,
          .accumulate = args.accumulate,
          .scratch = scratch + worker * kernels.scratch_floats});
  });
}

void PanelWeight::Multiply(const QuantizedLinearArgs& args, CpuStream& stream) const {
  if (args.x.rows <= stream.microkernels().panel.gemv_tokens) {
    MultiplyFewTokens(args, stream);
    return;
  }
  for (std::int64_t first = 0; first < args.x.rows; first += kGemmTokens) {
    const auto tokens = static_cast<int>(std::min<std::int64_t>(kGemmTokens, args.x.rows - first));
    MultiplyBlock(args, first, tokens, stream);
  }
}

void QuantizedLinear(const QuantizedLinearArgs& args, Stream& stream) {
  QUIRE_DCHECK(args.x.cols == args.weight->in() && args.y.cols == args.weight->out() &&
               args.x.rows == args.y.rows);
  if (args.x.rows == 0) return;
  static_cast<const CpuPackedWeight&>(*args.weight).Multiply(args, CpuStream::From(stream));
}

}  // namespace quire::kernels::cpu
