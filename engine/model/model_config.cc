#include "engine/model/model_config.h"

#include <algorithm>

#include "engine/formats/json_file.h"
#include "engine/model/architecture.h"
#include "engine/model/classifier_config.h"
#include "engine/model/config_fields.h"
#include "engine/model/gguf_config.h"
#include "engine/model/static_config.h"

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

constexpr char kQuantizationKey[] = "quantization_config";

// Files that older quantizers wrote beside a config.json that does not tell.
struct QuantizationFile {
  const char* name;
  const char* method;
};
constexpr QuantizationFile kQuantizationFiles[] = {{"quantize_config.json", "gptq"},
                                                   {"quant_config.json", "awq"}};

void ReadQuantization(JsonFields& fields, ModelConfig& config) {
  std::optional<JsonFields> quantization = fields.Object(kQuantizationKey);
  if (!quantization) return;
  config.quantization = ReadQuantizationConfig(*quantization, "gptq");
  fields.Fail(quantization->status());
}

Status ReadQuantizationFiles(const std::string& directory, ModelConfig& config) {
  for (const QuantizationFile& file : kQuantizationFiles) {
    const std::string path = directory + "/" + file.name;
    const auto json = ReadJsonFile(path);
    if (absl::IsNotFound(json.status())) continue;
    QUIRE_RETURN_IF_ERROR(json.status());
    JsonFields fields(*json, path);
    config.quantization = ReadQuantizationConfig(fields, file.method);
    QUIRE_RETURN_IF_ERROR(fields.status());
    return OrderRules(path, {"dynamic"}, *config.quantization);
  }
  return OkStatus();
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
  ModelConfig config;
  config.architecture = name;
  config.model_type = std::string(architecture->model_type);
  config.task = architecture->task;
  architecture->read_config(fields, config);
  if (config.task == ModelTask::kRerank) ReadClassifierFields(fields, config.classifier);
  ReadQuantization(fields, config);
  QUIRE_RETURN_IF_ERROR(fields.status());
  return config;
}

std::string_view Purpose(ModelTask task) {
  switch (task) {
    case ModelTask::kGenerate:
      return "only generates";
    case ModelTask::kEmbed:
      return "only embeds";
    case ModelTask::kRerank:
      return "only reranks";
  }
  return "";
}

std::int32_t ModelConfig::LargestWindow() const {
  std::int32_t largest = 0;
  for (std::int32_t layer = 0; layer < num_layers; ++layer) {
    const std::int32_t window = SlidingWindow(layer);
    if (window == 0) return 0;
    largest = std::max(largest, window);
  }
  return largest;
}

std::int32_t ModelConfig::MaxContextTokens() const {
  double reach = 0;
  if (rope_scaling.kind == RopeScaling::Kind::kDynamic) {
    reach = rope_scaling.factor * max_position_embeddings;
  } else if (rope_scaling.kind == RopeScaling::Kind::kYarn) {
    reach = rope_scaling.factor * rope_scaling.original_context_tokens;
  }
  reach = std::min<double>(reach, kMaxPositions);
  return std::max(max_position_embeddings, static_cast<std::int32_t>(reach));
}

std::int64_t ModelConfig::LayerElements() const {
  const std::int64_t hidden = hidden_size;
  const std::int64_t projections = 2 * hidden * head_dim * (num_heads + num_kv_heads);
  return projections + (layout.has_gate() ? 3 : 2) * hidden * intermediate_size;
}

StatusOr<ModelConfig> LoadModelConfig(const std::string& path) {
  if (IsGgufPath(path)) return LoadGgufModelConfig(path);
  const std::string file = path + "/config.json";
  StatusOr<nlohmann::json> json = ReadJsonFile(file);
  if (absl::IsNotFound(json.status()) && IsStaticEmbedding(path)) json = StaticConfigJson();
  QUIRE_RETURN_IF_ERROR(json.status());
  QUIRE_ASSIGN_OR_RETURN(ModelConfig config, ParseModelConfig(*json, file));
  if (config.is_static()) {
    QUIRE_RETURN_IF_ERROR(ReadStaticShapes(path, config));
  } else if (config.quantization) {
    QUIRE_RETURN_IF_ERROR(OrderRules(file, {kQuantizationKey, "dynamic"}, *config.quantization));
  } else {
    QUIRE_RETURN_IF_ERROR(ReadQuantizationFiles(path, config));
  }
  return config;
}

std::int32_t AttentionCrossover(const ModelConfig& config) {
  // Two operations per weight; four per position, head and dimension.
  const std::int64_t per_position = 2 * std::int64_t{config.num_heads} * config.head_dim;
  return static_cast<std::int32_t>(
      std::max<std::int64_t>(config.LayerElements() / per_position, 1));
}

}  // namespace quire::engine
