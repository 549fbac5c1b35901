#include "kernels/rope.h"

#include "base/check.h"
#include "kernels/cpu/cpu_stream.h"
#include "kernels/cpu/operations.h"

namespace quire::kernels::cpu {

void Rope(const RopeArgs& args, Stream& stream) {
  constexpr int kMaxHalf = 512;
  QUIRE_DCHECK(args.rotary_dim <= args.head_dim && args.rotary_dim % 2 == 0);
  QUIRE_CHECK(args.rotary_dim <= 2 * kMaxHalf);
  auto& cpu = CpuStream::From(stream);
  const Microkernels& kernels = cpu.microkernels();
  const int half = args.rotary_dim / 2;
  ForRows(cpu, args.x.rows, args.x.cols, [&](std::int64_t begin, std::int64_t end) {
    float sines[kMaxHalf];
    float cosines[kMaxHalf];
    for (std::int64_t t = begin; t < end; ++t) {
      kernels.rope_angles(args.positions[t], args.inverse_frequency, half, args.attention_factor,
                          sines, cosines);
      float* const row = FloatRow(args.x, t);
      for (std::int64_t d = 0; d < args.x.cols; d += args.head_dim) {
        kernels.rope_head(row + d, sines, cosines, half);
      }
    }
  });
}

void RotateAndStore(const RotateAndStoreArgs& args, Stream& stream) {
  RopeArgs keys = args.rope;
  keys.x = args.store.k;
  if (args.rope.rotary_dim > 0) {
    Rope(args.rope, stream);
    Rope(keys, stream);
  }
  StoreKv(args.store, stream);
}

}  // namespace quire::kernels::cpu
