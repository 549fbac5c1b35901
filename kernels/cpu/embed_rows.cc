#include "kernels/embed_rows.h"

#include "base/check.h"
#include "kernels/cpu/cpu_packed_weight.h"
#include "kernels/cpu/cpu_stream.h"
#include "kernels/cpu/operations.h"

namespace quire::kernels::cpu {

void EmbedRows(const EmbedRowsArgs& args, Stream& stream) {
  QUIRE_DCHECK(args.table.cols == args.out.cols);
  auto& cpu = CpuStream::From(stream);
  const int element = ElementIndex(args.table.dtype);
  const auto copy =
      args.accumulate ? cpu.microkernels().add_to_f32[element] : cpu.microkernels().to_f32[element];
  ForRows(cpu, args.out.rows, args.out.cols, [&](std::int64_t begin, std::int64_t end) {
    for (std::int64_t t = begin; t < end; ++t) {
      QUIRE_DCHECK(args.ids[t] >= 0 && args.ids[t] < args.table.rows);
      copy(ByteRow(args.table, args.ids[t]), FloatRow(args.out, t), args.out.cols);
    }
  });
}

void QuantizedEmbedRows(const QuantizedEmbedRowsArgs& args, Stream& stream) {
  QUIRE_DCHECK(args.table->in() == args.out.cols);
  const auto& table = static_cast<const CpuPackedWeight&>(*args.table);
  ForRows(CpuStream::From(stream), args.out.rows, args.out.cols,
          [&](std::int64_t begin, std::int64_t end) {
            for (std::int64_t t = begin; t < end; ++t) {
              QUIRE_DCHECK(args.ids[t] >= 0 && args.ids[t] < table.out());
              table.DecodeRow(args.ids[t], FloatRow(args.out, t));
            }
          });
}

}  // namespace quire::kernels::cpu
