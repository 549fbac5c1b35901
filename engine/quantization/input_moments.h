#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "base/status.h"
#include "engine/layers/linear_observer.h"
#include "kernels/device.h"

namespace quire::engine {

// What is known of the inputs x [tokens, in] of a linear layer. The squared error of its outputs
// under a change D of its weight is the sum over rows d of D of d (x^T x) d^T: no more of the
// inputs is needed to weigh errors.
struct InputMoments {
  std::int64_t in = 0;
  std::int64_t num_tokens = 0;
  std::vector<float> gram;      // [in, in], x^T x
  std::vector<double> abs_sum;  // [in], of |x|
};

// Adds up the moments of the inputs of some linear layers while a model runs.
//
// Thread-compatible.
class MomentObserver final : public LinearObserver {
 public:
  // For the layers of these names, on a CPU, whose memory is the host's. Returns what the device's
  // NewStream returns.
  static StatusOr<std::unique_ptr<MomentObserver>> Create(const std::vector<std::string>& names,
                                                          kernels::Device& device);

  void OnInput(const std::string& name, const kernels::MatrixView& x) override;

  // By the layers' names. INTERNAL if a product failed, or a layer was not run.
  StatusOr<std::map<std::string, InputMoments>> Finish();

 private:
  MomentObserver(kernels::Device& device, std::unique_ptr<kernels::Stream> stream)
      : device_(device), stream_(std::move(stream)) {}

  kernels::Device& device_;
  const std::unique_ptr<kernels::Stream> stream_;
  std::map<std::string, InputMoments> moments_;
  std::vector<float> transposed_;  // [in, tokens] of one call
};

}  // namespace quire::engine
