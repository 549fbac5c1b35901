#include <algorithm>
#include <cmath>

#include "kernels/half.h"
#include "kernels/reference/reference.h"

namespace quire::kernels::reference {
namespace {

// Appends softmax(scores) applied to values: sum_j p_j value(j, d) for d in [0, head_dim).
template <typename Value>
void AppendWeightedValues(const std::vector<double>& scores, std::int32_t head_dim,
                          const Value& value, std::vector<double>& out) {
  const double maximum = *std::max_element(scores.begin(), scores.end());
  double total = 0;
  for (double score : scores) total += std::exp(score - maximum);
  for (std::int32_t d = 0; d < head_dim; ++d) {
    double sum = 0;
    for (std::size_t j = 0; j < scores.size(); ++j) {
      sum += std::exp(scores[j] - maximum) / total * value(static_cast<std::int32_t>(j), d);
    }
    out.push_back(sum);
  }
}

// Element `d` of the key or value at `position` of a sequence.
double CacheAt(const KvLayerView& cache, const void* k_or_v, const std::int32_t* block_table,
               std::int32_t kv_head, std::int32_t position, std::int32_t d) {
  const std::int64_t block = block_table[position / cache.block_size];
  const std::int64_t row =
      (block * cache.num_kv_heads + kv_head) * cache.block_size + position % cache.block_size;
  const MatrixView view = {.data = const_cast<void*>(k_or_v),
                           .rows = row + 1,
                           .cols = cache.head_dim,
                           .row_stride = cache.head_dim,
                           .dtype = cache.dtype};
  return At(view, row, d);
}

}  // namespace

std::vector<double> PagedAttention(const PagedAttentionArgs& args) {
  const AttentionBatch& batch = args.batch;
  const std::int32_t group = batch.num_heads / batch.num_kv_heads;
  std::vector<double> out;
  for (std::int32_t s = 0; s < batch.query.num_sequences; ++s) {
    const std::int32_t* table = batch.block_table + std::int64_t{s} * batch.max_blocks;
    const std::int32_t begin = batch.query.data[s];
    const std::int32_t query_len = batch.query.data[s + 1] - begin;
    for (std::int32_t i = 0; i < query_len; ++i) {
      const std::int32_t position = batch.kv_lens[s] - query_len + i;
      const std::int32_t first =
          args.sliding_window > 0 ? std::max(0, position - args.sliding_window + 1) : 0;
      for (std::int32_t head = 0; head < batch.num_heads; ++head) {
        std::vector<double> scores;
        for (std::int32_t j = first; j <= position; ++j) {
          double dot = 0;
          for (std::int32_t d = 0; d < batch.head_dim; ++d) {
            dot += At(args.q, begin + i, std::int64_t{head} * batch.head_dim + d) *
                   CacheAt(args.cache, args.cache.k, table, head / group, j, d);
          }
          scores.push_back(dot * args.scale);
        }
        AppendWeightedValues(
            scores, batch.head_dim,
            [&](std::int32_t j, std::int32_t d) {
              return CacheAt(args.cache, args.cache.v, table, head / group, first + j, d);
            },
            out);
      }
    }
  }
  return out;
}

std::vector<double> EncoderAttention(const EncoderAttentionArgs& args) {
  std::vector<double> out;
  for (std::int32_t s = 0; s < args.sequences.num_sequences; ++s) {
    const std::int32_t begin = args.sequences.data[s];
    const std::int32_t end = args.sequences.data[s + 1];
    for (std::int32_t t = begin; t < end; ++t) {
      for (std::int32_t head = 0; head < args.num_heads; ++head) {
        const std::int64_t column = std::int64_t{head} * args.head_dim;
        std::vector<double> scores;
        for (std::int32_t j = begin; j < end; ++j) {
          double dot = 0;
          for (std::int32_t d = 0; d < args.head_dim; ++d) {
            dot += At(args.q, t, column + d) * At(args.k, j, column + d);
          }
          scores.push_back(dot * args.scale);
        }
        AppendWeightedValues(
            scores, args.head_dim,
            [&](std::int32_t j, std::int32_t d) { return At(args.v, begin + j, column + d); }, out);
      }
    }
  }
  return out;
}

}  // namespace quire::kernels::reference
