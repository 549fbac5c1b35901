#include "kernels/norm.h"

#include "base/check.h"
#include "kernels/cpu/cpu_stream.h"
#include "kernels/cpu/operations.h"

namespace quire::kernels::cpu {

void RmsNorm(const RmsNormArgs& args, Stream& stream) {
  QUIRE_DCHECK(args.x.cols == args.weight.cols && args.x.cols == args.out.cols);
  auto& cpu = CpuStream::From(stream);
  const auto row_kernel = cpu.microkernels().rms_norm_row;
  ForRows(cpu, args.x.rows, args.x.cols, [&](std::int64_t begin, std::int64_t end) {
    for (std::int64_t t = begin; t < end; ++t) {
      row_kernel(FloatRow(args.x, t), FloatRow(args.weight, 0), FloatRow(args.out, t), args.x.cols,
                 args.epsilon);
    }
  });
}

void LayerNorm(const LayerNormArgs& args, Stream& stream) {
  QUIRE_DCHECK(args.x.cols == args.weight.cols && args.x.cols == args.bias.cols &&
               args.x.cols == args.out.cols);
  auto& cpu = CpuStream::From(stream);
  const auto row_kernel = cpu.microkernels().layer_norm_row;
  ForRows(cpu, args.x.rows, args.x.cols, [&](std::int64_t begin, std::int64_t end) {
    for (std::int64_t t = begin; t < end; ++t) {
      row_kernel(FloatRow(args.x, t), FloatRow(args.weight, 0), FloatRow(args.bias, 0),
                 FloatRow(args.out, t), args.x.cols, args.epsilon);
    }
  });
}

}  // namespace quire::kernels::cpu
