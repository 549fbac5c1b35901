#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/status.h"
#include "engine/formats/json_file.h"
#include "kernels/quant/awq.h"

namespace quire::engine {

class SplitPattern;

// How the weights of a GPTQ layer are packed.
struct GptqSettings {
  std::int32_t bits = 4;          // 2, 3, 4 or 8
  std::int32_t group_size = 128;  // -1: all inputs in one group
  bool symmetric = true;
};

// One entry of GPTQModel's "dynamic": layers whose names match have settings of their own.
struct GptqRule {
  std::string key;                              // as in the file: "+:PATTERN", "-:PATTERN", PATTERN
  std::shared_ptr<const SplitPattern> pattern;  // shared by copies of the configuration
  std::optional<std::int32_t> bits;
  std::optional<std::int32_t> group_size;
  std::optional<bool> symmetric;
};

// "quantization_config" of config.json, validated. What a layer is stored as, quantized or plain,
// its tensors say: lists of skipped modules are not read.
struct QuantizationConfig {
  enum class Method : std::uint8_t { kGptq, kAwq, kBitsAndBytes };
  Method method = Method::kGptq;

  GptqSettings gptq;
  std::vector<GptqRule> gptq_rules;  // the first that matches a layer's name counts
  bool zeros_minus_one = true;       // checkpoint_format "gptq", not "gptq_v2"

  kernels::AwqLayout awq_layout = kernels::AwqLayout::kGemm;
  std::int32_t awq_group_size = 128;  // -1: all inputs in one group

  float int8_threshold = 6.0f;  // of LLM.int8: an activation from here on is an outlier; 0: none is

  // "gptq", "awq" or "bitsandbytes".
  const char* method_name() const;
  // The settings of the GPTQ layer `name` ("model.layers.0.mlp.up_proj").
  GptqSettings SettingsOf(const std::string& name) const;
};

// Reads the object that `fields` is over. `default_method` stands where it has no quant_method.
// Errors are noted in `fields`: UNIMPLEMENTED for a method or layout we do not have,
// INVALID_ARGUMENT naming the field for the rest.
QuantizationConfig ReadQuantizationConfig(JsonFields& fields, const std::string& default_method);

// Puts the rules into the order in which the file `path` has them; its keys lead there, outermost
// first. Errors as ReadJsonFile.
Status OrderRules(const std::string& path, const std::vector<const char*>& keys,
                  QuantizationConfig& config);

}  // namespace quire::engine
