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

// Element `d` of the key or value at `position` of a sequence. `scales`: of `k_or_v`.
double CacheAt(const KvLayerView& cache, const void* k_or_v, const float* scales,
               const std::int32_t* block_table, std::int32_t kv_head, std::int32_t position,
               std::int32_t d) {
  const std::int64_t block = block_table[position / cache.block_size];
  const std::int64_t row =
      (block * cache.num_kv_heads + kv_head) * cache.block_size + position % cache.block_size;
  const MatrixView view = {.data = const_cast<void*>(k_or_v),
                           .rows = row + 1,
                           .cols = cache.head_dim,
                           .row_stride = cache.head_dim,
                           .dtype = cache.dtype};
  return At(view, row, d) * (HasKvScales(cache.dtype) ? scales[row] : 1.0);
}

// Rounds to f16 or bf16 and back.
double RoundToHalf(DType dtype, double x) {
  const auto value = static_cast<float>(x);
  return dtype == DType::kF16 ? F16ToF32(F32ToF16(value)) : BF16ToF32(F32ToBF16(value));
}

// Appends what a row of keys or values becomes in a cache.
void AppendStoredRow(const KvLayerView& cache, const MatrixView& x, std::int64_t token,
                     std::int64_t head, std::vector<double>& out) {
  const std::int64_t begin = head * cache.head_dim;
  double magnitude = 0;
  bool is_finite = true;
  for (std::int64_t d = 0; d < cache.head_dim; ++d) {
    const double value = At(x, token, begin + d);
    magnitude = std::max(magnitude, std::abs(value));
    is_finite = is_finite && std::isfinite(value);
  }
  const bool is_f8 = cache.dtype == DType::kF8E4M3;
  const double scale = magnitude < 0x1p-119 ? 0.0 : magnitude / (is_f8 ? kMaxKvFloat8 : kMaxKvInt8);
  for (std::int64_t d = 0; d < cache.head_dim; ++d) {
    const double value = At(x, token, begin + d);
    if (cache.dtype == DType::kF32) {
      out.push_back(value);
    } else if (!HasKvScales(cache.dtype)) {
      out.push_back(RoundToHalf(cache.dtype, value));
    } else if (!is_finite) {
      out.push_back(std::nan(""));
    } else {
      const double scaled = scale == 0.0 ? 0.0 : value / scale;
      out.push_back(scale * (is_f8 ? F8E4M3ToF32(F32ToF8E4M3(static_cast<float>(scaled)))
                                   : std::nearbyint(scaled)));
    }
  }
}

}  // namespace

std::vector<double> StoreKv(const StoreKvArgs& args) {
  std::vector<double> out;
  for (const MatrixView* x : {&args.k, &args.v}) {
    for (std::int64_t token = 0; token < x->rows; ++token) {
      for (std::int64_t head = 0; head < args.cache.num_kv_heads; ++head) {
        AppendStoredRow(args.cache, *x, token, head, out);
      }
    }
  }
  return out;
}

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
            dot +=
                At(args.q, begin + i, std::int64_t{head} * batch.head_dim + d) *
                CacheAt(args.cache, args.cache.k, args.cache.k_scales, table, head / group, j, d);
          }
          const double cap = args.soft_cap;
          const double score = dot * args.scale;
          scores.push_back(cap > 0 ? cap * std::tanh(score / cap) : score);
        }
        AppendWeightedValues(
            scores, batch.head_dim,
            [&](std::int32_t j, std::int32_t d) {
              return CacheAt(args.cache, args.cache.v, args.cache.v_scales, table, head / group,
                             first + j, d);
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
