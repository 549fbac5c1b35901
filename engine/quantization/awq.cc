#include "engine/quantization/awq.h"

#include <algorithm>
#include <cmath>

#include "kernels/quant/group_codes.h"

namespace quire::engine {
namespace {

using kernels::MatrixView;

constexpr int kPowers = 20;             // tried: 0, 1/20, ..., 19/20
constexpr std::int64_t kMaxRows = 512;  // of one weight that are tried, evenly spaced
constexpr float kLeastFactor = 1e-4f;   // before they are scaled to a geometric middle of 1

// The mean over all rows of |w| over the largest |w| of its group: which channels' weights are
// large among their neighbours. [in]
std::vector<float> MeanRelativeWeight(std::span<const MatrixView> weights,
                                      std::int64_t group_size) {
  const std::int64_t in = weights.front().cols;
  std::vector<double> sums(static_cast<std::size_t>(in));
  std::int64_t rows = 0;
  for (const MatrixView& weight : weights) {
    rows += weight.rows;
    for (std::int64_t n = 0; n < weight.rows; ++n) {
      const float* row = static_cast<const float*>(weight.data) + n * weight.row_stride;
      for (std::int64_t begin = 0; begin < in; begin += group_size) {
        float largest = 1e-6f;
        for (std::int64_t k = begin; k < begin + group_size; ++k) {
          largest = std::max(largest, std::abs(row[k]));
        }
        for (std::int64_t k = begin; k < begin + group_size; ++k) {
          sums[static_cast<std::size_t>(k)] += std::abs(row[k]) / largest;
        }
      }
    }
  }
  std::vector<float> means;
  for (const double sum : sums)
    means.push_back(static_cast<float>(sum / static_cast<double>(rows)));
  return means;
}

// Scales factors so that the largest and the smallest are as far from 1; what is no number is 1.
void Normalize(std::vector<float>& factors) {
  for (float& factor : factors) {
    factor = std::isfinite(factor) ? std::max(factor, kLeastFactor) : 1.0f;
  }
  const auto [least, largest] = std::minmax_element(factors.begin(), factors.end());
  const float middle = std::sqrt(*least * *largest);
  for (float& factor : factors) factor /= middle;
}

// Weighs the error of rounding under given factors.
class FactorTrial {
 public:
  FactorTrial(std::span<const MatrixView> weights, const InputMoments& moments,
              std::int64_t group_size, kernels::Device& device, kernels::Stream& stream)
      : moments_(moments), group_size_(group_size), device_(device), stream_(stream) {
    for (const MatrixView& weight : weights) {
      const std::int64_t step = (weight.rows + kMaxRows - 1) / kMaxRows;
      for (std::int64_t n = 0; n < weight.rows; n += step) {
        rows_.push_back(static_cast<const float*>(weight.data) + n * weight.row_stride);
      }
    }
    const std::size_t size = rows_.size() * static_cast<std::size_t>(moments.in);
    change_.resize(size);
    product_.resize(size);
  }

  // The sum over the rows d of the change of d (x^T x) d^T.
  double Error(const std::vector<float>& factors) {
    const std::int64_t in = moments_.in;
    const auto num_rows = static_cast<std::int64_t>(rows_.size());
    for (std::int64_t n = 0; n < num_rows; ++n) {
      WriteChange(rows_[static_cast<std::size_t>(n)], factors, change_.data() + n * in);
    }
    const auto view = [in](const float* values, std::int64_t rows) {
      return MatrixView{
          .data = const_cast<float*>(values), .rows = rows, .cols = in, .row_stride = in};
    };
    device_.kernels().linear({.x = view(change_.data(), num_rows),
                              .weight = view(moments_.gram.data(), in),
                              .bias = {},
                              .y = view(product_.data(), num_rows)},
                             stream_);
    double error = 0;
    for (std::size_t i = 0; i < change_.size(); ++i) {
      error += static_cast<double>(change_[i]) * product_[i];
    }
    return error;
  }

 private:
  void WriteChange(const float* row, const std::vector<float>& factors, float* to) const {
    const std::int64_t in = moments_.in;
    for (std::int64_t k = 0; k < in; ++k) to[k] = row[k] * factors[static_cast<std::size_t>(k)];
    for (std::int64_t begin = 0; begin < in; begin += group_size_) {
      const auto [least, largest] = std::minmax_element(to + begin, to + begin + group_size_);
      const kernels::CodeGrid grid = kernels::AsymmetricGrid(*least, *largest);
      for (std::int64_t k = begin; k < begin + group_size_; ++k) {
        to[k] = row[k] - grid.Value(grid.Code(to[k])) / factors[static_cast<std::size_t>(k)];
      }
    }
  }

  const InputMoments& moments_;
  const std::int64_t group_size_;
  kernels::Device& device_;
  kernels::Stream& stream_;
  std::vector<const float*> rows_;
  std::vector<float> change_;   // [rows, in]
  std::vector<float> product_;  // the same
};

}  // namespace

StatusOr<std::vector<float>> SearchAwqFactors(std::span<const MatrixView> weights,
                                              const InputMoments& moments, std::int64_t group_size,
                                              kernels::Device& device) {
  QUIRE_ASSIGN_OR_RETURN(const auto stream, device.NewStream());
  FactorTrial trial(weights, moments, group_size, device, *stream);
  const auto in = static_cast<std::size_t>(moments.in);
  const std::vector<float> weight_size = MeanRelativeWeight(weights, group_size);
  std::vector<float> best(in, 1.0f);
  double least_error = trial.Error(best);
  for (int i = 1; i < kPowers; ++i) {
    const float power = static_cast<float>(i) / kPowers;
    for (const bool by_weight : {false, true}) {
      std::vector<float> factors(in);
      for (std::size_t k = 0; k < in; ++k) {
        const double mean = moments.abs_sum[k] / static_cast<double>(moments.num_tokens);
        factors[k] = std::pow(static_cast<float>(mean), power);
        if (by_weight) factors[k] /= std::pow(weight_size[k], 1 - power) + kLeastFactor;
      }
      Normalize(factors);
      const double error = trial.Error(factors);
      if (error < least_error) {
        least_error = error;
        best = std::move(factors);
      }
    }
  }
  QUIRE_RETURN_IF_ERROR(device.Synchronize(*stream));
  return best;
}

}  // namespace quire::engine
