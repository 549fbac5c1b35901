#include "engine/quantization/quantization_json.h"

#include <algorithm>

#include "base/mapped_file.h"
#include "engine/formats/json_file.h"

namespace quire::engine {
namespace {

using Json = nlohmann::ordered_json;

constexpr std::size_t kMaxConfigBytes = 16 << 20;

const char* ComputeDType(TensorDType dtype) {
  return dtype == TensorDType::kF16    ? "float16"
         : dtype == TensorDType::kBF16 ? "bfloat16"
                                       : "float32";
}

Json BitsAndBytes(const EncodingOptions& encoding) {
  const bool is_4bit = encoding.method == QuantizationMethod::kNf4;
  Json json = {{"quant_method", "bitsandbytes"},
               {"load_in_4bit", is_4bit},
               {"load_in_8bit", !is_4bit},
               {"llm_int8_threshold", 6.0},
               {"llm_int8_skip_modules", {"lm_head"}},
               {"llm_int8_enable_fp32_cpu_offload", false},
               {"llm_int8_has_fp16_weight", false}};
  if (is_4bit) {
    json["bnb_4bit_quant_type"] = "nf4";
    json["bnb_4bit_use_double_quant"] = false;
    json["bnb_4bit_compute_dtype"] = ComputeDType(encoding.stored_dtype);
    json["bnb_4bit_quant_storage"] = "uint8";
  }
  return json;
}

Json Gptq(const QuantizationDescription& description) {
  Json json = {{"quant_method", "gptq"},
               {"bits", 4},
               {"group_size", description.encoding.group_size},
               {"desc_act", description.act_order},
               {"static_groups", false},
               {"sym", true},
               {"true_sequential", false},
               {"damp_percent", 0.01},
               {"lm_head", false},
               {"checkpoint_format", "gptq"},
               {"pack_dtype", "int32"}};
  if (description.plain_suffixes.empty()) return json;
  // transformers is told what is quantized, GPTQModel what is not.
  Json modules = Json::array();
  for (const std::string& suffix : description.quantized_suffixes) {
    modules.push_back(Json::array({suffix}));
  }
  json["modules_in_block_to_quantize"] = std::move(modules);
  for (std::string suffix : description.plain_suffixes) {
    for (std::size_t dot = suffix.find('.'); dot != std::string::npos;
         dot = suffix.find('.', dot + 2)) {
      suffix.insert(dot, 1, '\\');
    }
    json["dynamic"]["-:.*\\." + suffix] = Json::object();
  }
  return json;
}

Json Awq(const QuantizationDescription& description) {
  Json json = {
      {"quant_method", "awq"}, {"bits", 4},         {"group_size", description.encoding.group_size},
      {"zero_point", true},    {"version", "gemm"}, {"modules_to_not_convert", nullptr}};
  if (description.plain_suffixes.empty()) return json;
  Json modules = Json::array({"lm_head"});
  for (const std::string& suffix : description.plain_suffixes) modules.push_back(suffix);
  json["modules_to_not_convert"] = std::move(modules);
  return json;
}

}  // namespace

nlohmann::ordered_json QuantizationJson(const QuantizationDescription& description) {
  switch (description.encoding.method) {
    case QuantizationMethod::kNf4:
    case QuantizationMethod::kInt8:
      return BitsAndBytes(description.encoding);
    case QuantizationMethod::kGptq:
      return Gptq(description);
    case QuantizationMethod::kAwq:
      return Awq(description);
  }
  return {};
}

StatusOr<std::string> ConfigWithQuantization(const std::string& model_path,
                                             const QuantizationDescription& description) {
  const std::string path = model_path + "/config.json";
  QUIRE_RETURN_IF_ERROR(ReadJsonFile(path, kMaxConfigBytes).status());  // the checks of depth
  QUIRE_ASSIGN_OR_RETURN(const std::string text, ReadFile(path, kMaxConfigBytes));
  Json config = Json::parse(text, /*cb=*/nullptr, /*allow_exceptions=*/false);
  if (!config.is_object()) return InvalidArgument("{}: wanted an object", path);
  config["quantization_config"] = QuantizationJson(description);
  return config.dump(2, ' ', /*ensure_ascii=*/false, Json::error_handler_t::replace) + "\n";
}

}  // namespace quire::engine
