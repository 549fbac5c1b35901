#pragma once

#include <cstdint>
#include <string>

#include "base/status.h"
#include "engine/layers/layer_context.h"
#include "engine/layers/weight_loader.h"

namespace quire::engine {

// What a product takes besides its weight; see kernels::LinearArgs.
struct ProductArgs {
  kernels::MatrixView x;
  kernels::MatrixView bias;  // an empty view where there is none
  kernels::MatrixView y;
  bool accumulate = false;
};

// y = x W^T + bias by the kernel for this weight.
void MultiplyWeight(const LinearWeight& weight, const ProductArgs& args,
                    const LayerContext& context);

// y = x W^T + bias with the weight as it is stored: plain, or quantized in any format.
//
// Thread-safe: immutable after Load.
class Linear {
 public:
  // Reads the weight [out, in] of the layer `name` and, if `has_bias`, `name`.bias [out]. Files of
  // quantized weights may have a bias that the model's configuration does not know: where there is
  // one, it counts. Errors as WeightLoader.
  static StatusOr<Linear> Load(WeightLoader& loader, const std::string& name, std::int64_t out,
                               std::int64_t in, bool has_bias);
  // The same for a layer that may be rows of another.
  static StatusOr<Linear> Load(WeightLoader& loader, const LinearPlace& place, bool has_bias);

  // `x`: [tokens, in], `y`: [tokens, out], both f32; adds to `y` if `accumulate`.
  void Forward(const kernels::MatrixView& x, const kernels::MatrixView& y, bool accumulate,
               const LayerContext& context) const;

 private:
  Linear(std::string name, LinearWeight weight, Weight bias)
      : name_(std::move(name)), weight_(std::move(weight)), bias_(std::move(bias)) {}

  std::string name_;
  LinearWeight weight_;
  Weight bias_;  // an empty view where there is none
};

}  // namespace quire::engine
