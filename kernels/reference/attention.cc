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
  std::vector<double> p;
  double total = 0;
  for (double score : scores) total += p.emplace_back(std::exp(score - maximum));
  for (double& share : p) share /= total;
  for (std::int32_t d = 0; d < head_dim; ++d) {
    double sum = 0;
    for (std::size_t j = 0; j < p.size(); ++j) sum += p[j] * value(static_cast<std::int32_t>(j), d);
    out.push_back(sum);
  }
}

// The keys or the values of one head of a sequence at positions [first, end), decoded once for all
// queries. `scales`: of `k_or_v`.
class CacheRows {
 public:
  CacheRows(const KvLayerView& cache, const void* k_or_v, const float* scales,
            const std::int32_t* block_table, std::int32_t kv_head, std::int32_t first,
            std::int32_t end)
      : head_dim_(cache.head_dim), first_(first) {
    for (std::int32_t position = first; position < end; ++position) {
      const std::int64_t block = block_table[position / cache.block_size];
      const std::int64_t row =
          (block * cache.num_kv_heads + kv_head) * cache.block_size + position % cache.block_size;
      const MatrixView view = {.data = const_cast<void*>(k_or_v),
                               .rows = row + 1,
                               .cols = cache.head_dim,
                               .row_stride = cache.head_dim,
                               .dtype = cache.dtype};
      for (std::int32_t d = 0; d < cache.head_dim; ++d) {
        elements_.push_back(At(view, row, d) * (HasKvScales(cache.dtype) ? scales[row] : 1.0));
      }
    }
  }

  double Element(std::int32_t position, std::int32_t d) const {
    return elements_[static_cast<std::size_t>((position - first_) * head_dim_ + d)];
  }
  double Dot(std::int32_t position, const std::vector<double>& q) const {
    double dot = 0;
    for (std::int32_t d = 0; d < head_dim_; ++d) {
      dot += q[static_cast<std::size_t>(d)] * Element(position, d);
    }
    return dot;
  }

 private:
  std::int32_t head_dim_;
  std::int32_t first_;
  std::vector<double> elements_;
};

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
  const KvLayerView& cache = args.cache;
  const std::int32_t group = batch.num_heads / batch.num_kv_heads;
  const auto first_seen = [&](std::int32_t position) {
    return args.sliding_window > 0 ? std::max(0, position - args.sliding_window + 1) : 0;
  };
  std::vector<double> out;
  for (std::int32_t s = 0; s < batch.query.num_sequences; ++s) {
    const std::int32_t* table = batch.block_table + std::int64_t{s} * batch.max_blocks;
    const std::int32_t begin = batch.query.data[s];
    const std::int32_t query_len = batch.query.data[s + 1] - begin;
    const std::int32_t kv_len = batch.kv_lens[s];
    const std::int32_t first_of_all = first_seen(kv_len - query_len);
    std::vector<CacheRows> keys, values;
    for (std::int32_t head = 0; head < batch.num_kv_heads; ++head) {
      keys.emplace_back(cache, cache.k, cache.k_scales, table, head, first_of_all, kv_len);
      values.emplace_back(cache, cache.v, cache.v_scales, table, head, first_of_all, kv_len);
    }
    for (std::int32_t i = 0; i < query_len; ++i) {
      const std::int32_t position = kv_len - query_len + i;
      const std::int32_t first = first_seen(position);
      for (std::int32_t head = 0; head < batch.num_heads; ++head) {
        const auto kv_head = static_cast<std::size_t>(head / group);
        std::vector<double> q;
        for (std::int32_t d = 0; d < batch.head_dim; ++d) {
          q.push_back(At(args.q, begin + i, std::int64_t{head} * batch.head_dim + d));
        }
        std::vector<double> scores;
        for (std::int32_t j = first; j <= position; ++j) {
          const double score = keys[kv_head].Dot(j, q) * args.scale;
          const double cap = args.soft_cap;
          scores.push_back(cap > 0 ? cap * std::tanh(score / cap) : score);
        }
        AppendWeightedValues(
            scores, batch.head_dim,
            [&](std::int32_t j, std::int32_t d) { return values[kv_head].Element(first + j, d); },
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
