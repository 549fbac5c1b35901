#include "kernels/sample.h"

#include <span>

#include "kernels/cpu/cpu_stream.h"
#include "kernels/cpu/operations.h"
#include "kernels/token_sampler.h"

namespace quire::kernels::cpu {
namespace {

std::int32_t SampleOne(const SampleArgs& args, std::int64_t row) {
  // Of the thread: its candidates take 24 bytes a token, too much to allocate for every row.
  thread_local TokenSampler sampler;
  const SampleRow& how = args.rows[row];
  const std::span<float> logits(FloatRow(args.logits, row),
                                static_cast<std::size_t>(args.logits.cols));
  if (how.mask >= 0) {
    if (!FindExtremes(logits).is_finite) return kNoSample;  // a mask may hide it
    MaskLogits(logits, args.masks + how.mask * MaskWords(args.logits.cols));
  }
  return sampler.Choose(logits, how);
}

}  // namespace

void Sample(const SampleArgs& args, Stream& stream) {
  for (std::int64_t i = 0; i < args.num_changes; ++i) {
    const LogitChange& change = args.changes[i];
    float& logit = FloatRow(args.logits, change.row)[change.token];
    logit = change.Of(logit);
  }
  ForRows(CpuStream::From(stream), args.logits.rows, args.logits.cols,
          [&](std::int64_t begin, std::int64_t end) {
            for (std::int64_t r = begin; r < end; ++r) args.tokens[r] = SampleOne(args, r);
          });
}

}  // namespace quire::kernels::cpu
