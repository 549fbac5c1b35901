#include "engine/model/model_config.h"

#include <algorithm>

#include "engine/formats/json_file.h"
#include "engine/model/architecture.h"

namespace quire::engine {
namespace {

// The name to look up: the first of "architectures", else what "model_type" stands for.
std::string ArchitectureName(JsonFields& fields) {
  const nlohmann::json* names = fields.Find("architectures");
  if (names != nullptr && names->is_array() && !names->empty() && names->front().is_string()) {
    return names->front().get<std::string>();
  }
  std::string model_type;
  fields.Read("model_type", model_type);
  const Architecture* architecture = FindArchitectureByModelType(model_type);
  return architecture == nullptr ? model_type : std::string(architecture->name);
}

// Weights in another form than plain floats. Refused by name, so that nobody reads codes as
// numbers.
Status RefuseQuantization(JsonFields& fields) {
  std::optional<JsonFields> quantization = fields.Object("quantization_config");
  if (!quantization) return OkStatus();
  std::string method = "unnamed";
  quantization->Read("quant_method", method);
  return Unimplemented(
      "{}: quantization_config: wanted plain F32, F16 or BF16 weights, have \"{}\"", fields.where(),
      method);
}

}  // namespace

StatusOr<ModelConfig> ParseModelConfig(const nlohmann::json& json, const std::string& where) {
  JsonFields fields(json, where);
  QUIRE_RETURN_IF_ERROR(fields.status());
  const std::string name = ArchitectureName(fields);
  const Architecture* architecture = FindArchitecture(name);
  if (architecture == nullptr) {
    return Unimplemented("{}: architectures: wanted one of {}, have \"{}\"", where,
                         ArchitectureNames(), name);
  }
  QUIRE_RETURN_IF_ERROR(RefuseQuantization(fields));
  ModelConfig config;
  config.architecture = name;
  config.model_type = std::string(architecture->model_type);
  architecture->read_config(fields, config);
  QUIRE_RETURN_IF_ERROR(fields.status());
  return config;
}

StatusOr<ModelConfig> LoadModelConfig(const std::string& directory) {
  const std::string path = directory + "/config.json";
  QUIRE_ASSIGN_OR_RETURN(const nlohmann::json json, ReadJsonFile(path));
  return ParseModelConfig(json, path);
}

std::int32_t AttentionCrossover(const ModelConfig& config) {
  const std::int64_t hidden = config.hidden_size;
  const std::int64_t projections =
      2 * hidden * config.head_dim * (config.num_heads + config.num_kv_heads);
  const std::int64_t mlp = 3 * hidden * config.intermediate_size;
  // Two operations per weight; four per position, head and dimension.
  const std::int64_t per_position = 2 * std::int64_t{config.num_heads} * config.head_dim;
  return static_cast<std::int32_t>(std::max<std::int64_t>((projections + mlp) / per_position, 1));
}

}  // namespace quire::engine
