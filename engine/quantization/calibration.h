#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "base/status.h"
#include "engine/formats/weight_source.h"
#include "engine/model/model_config.h"
#include "engine/quantization/input_moments.h"
#include "kernels/device.h"

namespace quire::engine {

// Runs a calibration text through the first layers of a model to see the inputs of the last of
// them.
//
// Thread-compatible. The device, a CPU, must outlive it.
class Calibration {
 public:
  // Windows of the text that the tokenizer of the model at `path` cuts: BOS if it begins texts so,
  // then text, `window_tokens` together; the first `max_windows` of them. Returns INVALID_ARGUMENT
  // if that leaves less than one token, errors of Tokenizer::Load.
  static StatusOr<Calibration> Create(const std::string& path, const std::string& text,
                                      const ModelConfig& config, std::int32_t window_tokens,
                                      std::int32_t max_windows, kernels::Device& device);

  // The moments of what the linear layers `names` of layer `layer` are given when the layers before
  // it are as `weights` has them. Costs a forward pass of the first layer + 1 layers over every
  // window. Errors as Transformer::Load.
  StatusOr<std::map<std::string, InputMoments>> Measure(
      std::int32_t layer, const WeightSource& weights, const std::vector<std::string>& names) const;

  std::int64_t num_tokens() const;

 private:
  Calibration(const ModelConfig& config, std::vector<std::vector<std::int32_t>> windows,
              kernels::Device& device)
      : config_(config), windows_(std::move(windows)), device_(&device) {}

  ModelConfig config_;
  std::vector<std::vector<std::int32_t>> windows_;
  kernels::Device* device_;
};

}  // namespace quire::engine
