#include "kernels/pooling.h"

#include <cmath>

#include "base/check.h"
#include "kernels/cpu/cpu_stream.h"
#include "kernels/cpu/operations.h"

namespace quire::kernels::cpu {
namespace {

void PoolSequence(const PoolArgs& args, const Microkernels& kernels, std::int64_t sequence) {
  constexpr int kF32 = static_cast<int>(ElementKind::kF32);
  const std::int64_t hidden = args.x.cols;
  const std::int32_t begin = args.sequences.data[sequence];
  const std::int32_t end = args.sequences.data[sequence + 1];
  QUIRE_DCHECK(begin < end);
  float* const out = FloatRow(args.out, sequence);

  const std::int32_t first = args.kind == PoolArgs::Kind::kLast ? end - 1 : begin;
  kernels.to_f32[kF32](FloatRow(args.x, first), out, hidden);
  if (args.kind == PoolArgs::Kind::kMean) {
    for (std::int32_t t = begin + 1; t < end; ++t) {
      kernels.add_to_f32[kF32](FloatRow(args.x, t), out, hidden);
    }
    kernels.scale(out, 1.0f / static_cast<float>(end - begin), hidden);
  }
  if (args.normalize) {
    const float norm = std::sqrt(kernels.sum_of_squares(out, hidden));
    if (norm > 0.0f) kernels.scale(out, 1.0f / norm, hidden);
  }
}

}  // namespace

void Pool(const PoolArgs& args, Stream& stream) {
  auto& cpu = CpuStream::From(stream);
  const std::int64_t sequences = args.sequences.num_sequences;
  const std::int64_t floats_per_sequence =
      sequences == 0 ? 0 : args.x.rows * args.x.cols / sequences;
  ForRows(cpu, sequences, floats_per_sequence, [&](std::int64_t begin, std::int64_t end) {
    for (std::int64_t s = begin; s < end; ++s) PoolSequence(args, cpu.microkernels(), s);
  });
}

}  // namespace quire::kernels::cpu
