#include "engine/quantization/input_moments.h"

#include <cmath>

namespace quire::engine {

StatusOr<std::unique_ptr<MomentObserver>> MomentObserver::Create(
    const std::vector<std::string>& names, kernels::Device& device) {
  QUIRE_ASSIGN_OR_RETURN(auto stream, device.NewStream());
  std::unique_ptr<MomentObserver> observer(new MomentObserver(device, std::move(stream)));
  for (const std::string& name : names) observer->moments_[name];
  return observer;
}

void MomentObserver::OnInput(const std::string& name, const kernels::MatrixView& x) {
  const auto found = moments_.find(name);
  if (found == moments_.end()) return;
  InputMoments& to = found->second;
  if (to.num_tokens == 0) {
    to.in = x.cols;
    to.gram.resize(static_cast<std::size_t>(x.cols * x.cols));
    to.abs_sum.resize(static_cast<std::size_t>(x.cols));
  }
  to.num_tokens += x.rows;
  transposed_.resize(static_cast<std::size_t>(x.rows * x.cols));
  for (std::int64_t t = 0; t < x.rows; ++t) {
    const float* row = static_cast<const float*>(x.data) + t * x.row_stride;
    for (std::int64_t k = 0; k < x.cols; ++k) {
      transposed_[static_cast<std::size_t>(k * x.rows + t)] = row[k];
      to.abs_sum[static_cast<std::size_t>(k)] += std::abs(row[k]);
    }
  }
  // x^T x is the product of a linear layer whose input and weight are both x^T.
  const kernels::MatrixView transposed = {
      .data = transposed_.data(), .rows = x.cols, .cols = x.rows, .row_stride = x.rows};
  const kernels::MatrixView gram = {
      .data = to.gram.data(), .rows = x.cols, .cols = x.cols, .row_stride = x.cols};
  device_.kernels().linear(
      {.x = transposed, .weight = transposed, .bias = {}, .y = gram, .accumulate = true}, *stream_);
}

StatusOr<std::map<std::string, InputMoments>> MomentObserver::Finish() {
  QUIRE_RETURN_IF_ERROR(device_.Synchronize(*stream_));
  for (const auto& [name, moments] : moments_) {
    if (moments.num_tokens == 0) return Internal("layer {}: was not run", name);
  }
  return std::move(moments_);
}

}  // namespace quire::engine
