#include "engine/quantization/gptq.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>
#include <numeric>

#include "engine/quantization/inverse_factor.h"
#include "engine/quantization/parallel.h"

namespace quire::engine {
namespace {

constexpr double kDamping = 0.01;  // of the mean of H's diagonal
constexpr double kMostDamping = 10;
// Rows that are rounded together: they share the reads of U and fit the L2 cache with it.
constexpr std::int64_t kTileRows = 8;
// Ends of a grid that are tried: 1, 0.98, ... of the largest |w|.
constexpr int kGridSteps = 24;
constexpr float kGridStep = 0.02f;

// x^T x in the order of rounding, with `damping` on the diagonal.
std::vector<double> DampedGram(const InputMoments& moments, const std::vector<std::int32_t>& order,
                               double damping) {
  const auto n = static_cast<std::size_t>(moments.in);
  std::vector<double> h(n * n);
  for (std::size_t i = 0; i < n; ++i) {
    const float* row = moments.gram.data() + static_cast<std::size_t>(order[i]) * n;
    for (std::size_t j = 0; j < n; ++j) h[i * n + j] = row[order[j]];
    h[i * n + i] += damping;
  }
  return h;
}

// The columns of one group of one row: `count` values and their importance.
kernels::CodeGrid ChooseGrid(const float* values, const float* importance, std::int64_t count) {
  float largest = 0;
  for (std::int64_t i = 0; i < count; ++i) largest = std::max(largest, std::abs(values[i]));
  kernels::CodeGrid best;
  double least_error = std::numeric_limits<double>::infinity();
  for (int step = 0; step < kGridSteps; ++step) {
    const kernels::CodeGrid grid =
        kernels::SymmetricGrid(largest * (1 - kGridStep * static_cast<float>(step)));
    double error = 0;
    for (std::int64_t i = 0; i < count; ++i) {
      const double difference = values[i] - grid.Value(grid.Code(values[i]));
      error += difference * difference * importance[i];
    }
    if (step == 0 || error < least_error) {
      least_error = error;
      best = grid;
    }
  }
  return best;
}

// Rounds rows [first, first + count).
class TileRounding {
 public:
  TileRounding(const kernels::MatrixView& weight, const GptqInputs& inputs,
               const GptqOptions& options, kernels::GroupCodes& to)
      : weight_(weight), inputs_(inputs), options_(options), to_(to) {}

  // `scratch`: [kTileRows, in].
  void Round(std::int64_t first, std::int64_t count, float* scratch) const {
    const std::int64_t in = weight_.cols;
    for (std::int64_t r = 0; r < count; ++r) {
      const float* row = static_cast<const float*>(weight_.data) + (first + r) * weight_.row_stride;
      for (std::int64_t j = 0; j < in; ++j) scratch[r * in + j] = row[inputs_.order[Index(j)]];
    }
    std::array<kernels::CodeGrid, kTileRows> grids;
    for (std::int64_t j = 0; j < in; ++j) {
      const float* upper = inputs_.upper.data() + j * in;
      for (std::int64_t r = 0; r < count; ++r) {
        float* values = scratch + r * in;
        kernels::CodeGrid& grid = grids[Index(r)];
        if (j % options_.group_size == 0) grid = StartGroup(first + r, j, values);
        const std::uint8_t code = grid.Code(values[j]);
        to_.codes[Index((first + r) * in + inputs_.order[Index(j)])] = code;
        const float error = (values[j] - grid.Value(code)) / upper[j];
        for (std::int64_t k = j + 1; k < in; ++k) values[k] -= error * upper[k];
      }
    }
  }

 private:
  static std::size_t Index(std::int64_t i) { return static_cast<std::size_t>(i); }

  kernels::CodeGrid StartGroup(std::int64_t n, std::int64_t j, const float* values) const {
    const kernels::CodeGrid grid =
        ChooseGrid(values + j, inputs_.importance.data() + j, options_.group_size);
    const std::size_t group = Index(n * to_.num_groups + j / options_.group_size);
    to_.scales[group] = grid.scale;
    to_.zeros[group] = grid.zero;
    return grid;
  }

  const kernels::MatrixView& weight_;
  const GptqInputs& inputs_;
  const GptqOptions& options_;
  kernels::GroupCodes& to_;
};

}  // namespace

StatusOr<GptqInputs> PrepareGptq(const InputMoments& moments, const GptqOptions& options) {
  const auto n = static_cast<std::size_t>(moments.in);
  const auto diagonal = [&](std::int32_t k) {
    return moments.gram[static_cast<std::size_t>(k) * (n + 1)];
  };
  GptqInputs inputs;
  inputs.order.resize(n);
  std::iota(inputs.order.begin(), inputs.order.end(), 0);
  if (options.act_order) {
    std::stable_sort(inputs.order.begin(), inputs.order.end(),
                     [&](std::int32_t a, std::int32_t b) { return diagonal(a) > diagonal(b); });
  }
  double mean = 0;
  for (const std::int32_t k : inputs.order) {
    inputs.importance.push_back(diagonal(k));
    mean += diagonal(k) / static_cast<double>(n);
  }
  // Inputs that are all 0 say nothing: every column then counts the same.
  if (mean == 0) mean = 1;
  for (double damping = kDamping; damping <= kMostDamping; damping *= 10) {
    std::vector<double> h = DampedGram(moments, inputs.order, damping * mean);
    inputs.upper = InverseUpperFactor(h, moments.in, options.num_threads);
    if (!inputs.upper.empty()) return inputs;
  }
  return Internal("gptq: the products of a layer's inputs have no Cholesky factor");
}

kernels::GroupCodes QuantizeGptq(const kernels::MatrixView& weight, const GptqInputs& inputs,
                                 const GptqOptions& options) {
  const std::int64_t in = weight.cols;
  kernels::GroupCodes to = {.out = weight.rows,
                            .in = in,
                            .num_groups = static_cast<std::int32_t>(in / options.group_size),
                            .codes = {},
                            .scales = {},
                            .zeros = {},
                            .group_of_input = std::vector<std::int32_t>(inputs.order.size())};
  to.codes.resize(static_cast<std::size_t>(to.out * in));
  to.scales.resize(static_cast<std::size_t>(to.out * to.num_groups));
  to.zeros.resize(to.scales.size());
  for (std::size_t j = 0; j < inputs.order.size(); ++j) {
    to.group_of_input[static_cast<std::size_t>(inputs.order[j])] =
        static_cast<std::int32_t>(static_cast<std::int64_t>(j) / options.group_size);
  }
  const TileRounding rounding(weight, inputs, options, to);
  const std::int64_t tiles = (to.out + kTileRows - 1) / kTileRows;
  const std::int64_t workers = std::clamp<std::int64_t>(tiles, 1, options.num_threads);
  std::vector<float> scratch(static_cast<std::size_t>(workers * kTileRows * in));
  // Worker by worker, so that each has scratch memory of its own.
  ParallelFor(workers, options.num_threads, [&](std::int64_t worker) {
    for (std::int64_t tile = worker; tile < tiles; tile += workers) {
      const std::int64_t first = tile * kTileRows;
      rounding.Round(first, std::min(kTileRows, to.out - first),
                     scratch.data() + worker * kTileRows * in);
    }
  });
  return to;
}

}  // namespace quire::engine
