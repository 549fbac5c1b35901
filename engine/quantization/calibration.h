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

// Takes a calibration text through a model layer by layer: first to see what a layer is given,
// then, when the layer is quantized, to see what it makes of it. Keeps the hidden states in
// between.
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

  // The moments of what the linear layers `names` of the next layer are given, whose weights are
  // those of `weights`. Errors as Transformer::Load.
  StatusOr<std::map<std::string, InputMoments>> Measure(const WeightSource& weights,
                                                        const std::vector<std::string>& names);
  // Passes that layer, as `weights` has it now. Errors as Transformer::Load.
  Status Advance(const WeightSource& weights);

  std::int64_t num_tokens() const;

 private:
  Calibration(const ModelConfig& config, std::vector<std::vector<std::int32_t>> windows,
              kernels::Device& device)
      : config_(config), windows_(std::move(windows)), device_(&device) {}

  // The next layer over every window; its output is kept if `keep`.
  Status RunLayer(const WeightSource& weights, LinearObserver* observer, bool keep);

  ModelConfig config_;
  std::vector<std::vector<std::int32_t>> windows_;
  std::vector<std::vector<float>> hidden_;  // [tokens, hidden_size] of each: the next layer's input
  std::int32_t next_layer_ = 0;
  kernels::Device* device_;
};

}  // namespace quire::engine
