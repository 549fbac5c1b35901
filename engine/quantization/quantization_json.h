#pragma once

#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "base/status.h"
#include "engine/quantization/encoded_linear.h"

namespace quire::engine {

// What "quantization_config" says of a checkpoint.
struct QuantizationDescription {
  EncodingOptions encoding;
  bool act_order = false;                       // gptq
  std::vector<std::string> quantized_suffixes;  // "self_attn.q_proj", in the order of a layer
  std::vector<std::string> plain_suffixes;      // linear layers that are not quantized
};

// The object that transformers, AutoGPTQ and AutoAWQ read.
nlohmann::ordered_json QuantizationJson(const QuantizationDescription& description);

// config.json of the directory `model_path` with that object in it, other fields as they were and
// in their order. Errors as ReadJsonFile.
StatusOr<std::string> ConfigWithQuantization(const std::string& model_path,
                                             const QuantizationDescription& description);

}  // namespace quire::engine
