#pragma once

#include <cstdint>
#include <string>
#include <unordered_map>
#include <vector>

#include "base/status.h"
#include "engine/formats/checkpoint.h"
#include "engine/formats/checkpoint_writer.h"
#include "engine/model/model_config.h"
#include "engine/quantization/encoded_linear.h"
#include "engine/quantization/linear_groups.h"
#include "engine/quantization/quantization_json.h"

namespace quire::engine {

// Which linear layers of a checkpoint are quantized, and what is written in their place. Every
// tensor that it names was found in the checkpoint in the shape that the model's configuration
// asks for.
//
// Thread-safe: immutable.
class QuantizationPlan {
 public:
  // `group_size` of gptq and awq; 0: the one of 128, 64 and 32 that lets most weights be quantized,
  // the largest of equals. Returns UNIMPLEMENTED as LinearGroups and for awq of a family that
  // nobody reads in it (GPT-2), INVALID_ARGUMENT if no layer fits the method, errors of
  // Checkpoint::Get.
  static StatusOr<QuantizationPlan> Create(const ModelConfig& config, const Checkpoint& checkpoint,
                                           QuantizationMethod method, std::int32_t group_size,
                                           bool act_order);

  QuantizationMethod method() const { return description_.encoding.method; }
  std::int64_t group_size() const { return description_.encoding.group_size; }
  const QuantizationDescription& description() const { return description_; }
  // By decoder layer.
  const std::vector<std::vector<LinearGroup>>& layers() const { return layers_; }
  bool IsQuantized(const std::string& linear) const { return stored_dtypes_.contains(linear); }
  // How a quantized layer is stored. Requires IsQuantized(linear).
  EncodingOptions EncodingOf(const std::string& linear) const;

  // All tensors of the output, in the order of the checkpoint's files.
  std::vector<TensorSpec> OutputTensors(const Checkpoint& checkpoint) const;

  // Linear layers that stay as they are.
  std::vector<std::string> PlainLayers() const;
  std::int64_t num_linear_layers() const;

 private:
  QuantizationPlan() = default;

  void Choose(const LinearShape& linear, TensorDType stored_dtype);

  QuantizationDescription description_;
  std::vector<std::vector<LinearGroup>> layers_;
  std::unordered_map<std::string, TensorDType> stored_dtypes_;   // of the quantized linear layers
  std::unordered_map<std::string, LinearShape> by_weight_name_;  // the same, by "NAME.weight"
};

}  // namespace quire::engine
