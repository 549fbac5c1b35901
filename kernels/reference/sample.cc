#include <algorithm>
#include <cmath>
#include <numeric>
#include <utility>

#include "kernels/reference/reference.h"

namespace quire::kernels::reference {
namespace {

SampleShares SharesOf(const MatrixView& logits, std::int64_t row, const SampleRow& how) {
  std::vector<std::int32_t> tokens;
  for (std::int64_t i = 0; i < logits.cols; ++i) {
    if (At(logits, row, i) != kMaskedLogit) tokens.push_back(static_cast<std::int32_t>(i));
  }
  std::ranges::stable_sort(tokens, [&](std::int32_t a, std::int32_t b) {
    return At(logits, row, a) > At(logits, row, b);
  });
  SampleShares shares;
  if (how.is_greedy()) return {.tokens = {tokens.front()}, .ends = {1.0}};
  const double max = At(logits, row, tokens.front());
  if (how.top_k > 0 && tokens.size() > static_cast<std::size_t>(how.top_k)) {
    shares.margin = At(logits, row, tokens[static_cast<std::size_t>(how.top_k) - 1]) -
                    At(logits, row, tokens[static_cast<std::size_t>(how.top_k)]);
    shares.margin /= how.temperature;
    tokens.resize(static_cast<std::size_t>(how.top_k));
  }
  std::vector<double> weights;
  for (const std::int32_t token : tokens) {
    weights.push_back(std::exp((At(logits, row, token) - max) / how.temperature));
  }
  const double total = std::accumulate(weights.begin(), weights.end(), 0.0);
  double sum = 0.0;
  std::vector<std::pair<std::int32_t, double>> left;
  for (std::size_t i = 0; i < tokens.size(); ++i) {
    if (how.top_p < 1.0f && i > 0) {
      shares.margin = std::min(shares.margin, std::abs(sum / total - double{how.top_p}));
      if (sum >= how.top_p * total) break;
    }
    if (how.min_p > 0.0f) {
      shares.margin = std::min(shares.margin, std::abs(weights[i] - double{how.min_p}));
    }
    if (weights[i] < double{how.min_p}) break;
    sum += weights[i];
    left.emplace_back(tokens[i], weights[i]);
  }
  if (!how.is_by_likelihood()) std::ranges::sort(left);
  double end = 0.0;
  for (const auto& [token, weight] : left) {
    shares.tokens.push_back(token);
    shares.ends.push_back((end += weight) / sum);
  }
  return shares;
}

}  // namespace

std::vector<SampleShares> Sample(const SampleArgs& args) {
  std::vector<SampleShares> shares;
  for (std::int64_t r = 0; r < args.logits.rows; ++r) {
    shares.push_back(SharesOf(args.logits, r, args.rows[r]));
  }
  return shares;
}

}  // namespace quire::kernels::reference
