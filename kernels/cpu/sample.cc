#include "kernels/sample.h"

#include <span>

#include "kernels/cpu/cpu_stream.h"
#include "kernels/cpu/operations.h"
#include "kernels/token_sampler.h"

namespace quire::kernels::cpu {

void Sample(const SampleArgs& args, Stream& stream) {
  const std::int64_t vocab_size = args.logits.cols;
  const auto choose = [&](std::int64_t begin, std::int64_t end) {
    // Of the thread: its candidates take 24 bytes a token, too much to allocate for every row.
    thread_local TokenSampler sampler;
    for (std::int64_t r = begin; r < end; ++r) {
      const std::span<const float> row(FloatRow(args.logits, r),
                                       static_cast<std::size_t>(vocab_size));
      args.tokens[r] = sampler.Choose(row, args.rows[r]);
    }
  };
  ForRows(CpuStream::From(stream), args.logits.rows, vocab_size, choose);
}

}  // namespace quire::kernels::cpu
