#include "engine/model/sentence_transformers.h"

#include <string_view>
#include <vector>

#include "engine/formats/gguf_file.h"
#include "engine/formats/json_file.h"
#include "engine/model/gguf_bert.h"

namespace quire::engine {
namespace {

constexpr std::int64_t kMaxTokens = 1 << 24;

struct Module {
  std::string type;  // the last part of "sentence_transformers.models.Pooling"
  std::string path;
};

// A module lives in a folder right below the model's.
bool IsModulePath(std::string_view path) {
  return path.find('/') == std::string_view::npos && path.find("..") == std::string_view::npos;
}

StatusOr<std::vector<Module>> ReadModules(const nlohmann::json& json, const std::string& path) {
  if (!json.is_array()) return InvalidArgument("{}: wanted a list of modules", path);
  std::vector<Module> modules;
  for (std::size_t i = 0; i < json.size(); ++i) {
    JsonFields fields(json[i], fmt::format("{}: [{}]", path, i));
    Module module;
    fields.Read("type", module.type);
    fields.Read("path", module.path);
    if (!IsModulePath(module.path)) fields.Fail("path", "the name of a folder of the model");
    QUIRE_RETURN_IF_ERROR(fields.status());
    module.type = module.type.substr(module.type.rfind('.') + 1);
    modules.push_back(std::move(module));
  }
  return modules;
}

struct Mode {
  const char* field;
  kernels::PoolArgs::Kind kind;
};
constexpr Mode kModes[] = {
    {"pooling_mode_mean_tokens", kernels::PoolArgs::Kind::kMean},
    {"pooling_mode_cls_token", kernels::PoolArgs::Kind::kFirst},
    {"pooling_mode_lasttoken", kernels::PoolArgs::Kind::kLast},
};
constexpr const char* kOtherModes[] = {"pooling_mode_max_tokens",
                                       "pooling_mode_mean_sqrt_len_tokens",
                                       "pooling_mode_weightedmean_tokens"};

StatusOr<kernels::PoolArgs::Kind> ReadPooling(const std::string& path) {
  QUIRE_ASSIGN_OR_RETURN(const nlohmann::json json, ReadJsonFile(path));
  JsonFields fields(json, path);
  std::vector<kernels::PoolArgs::Kind> kinds;
  for (const Mode& mode : kModes) {
    bool is_set = false;
    fields.Read(mode.field, is_set);
    if (is_set) kinds.push_back(mode.kind);
  }
  for (const char* field : kOtherModes) {
    bool is_set = false;
    fields.Read(field, is_set);
    if (is_set) fields.Fail(Unimplemented("{}: {}: wanted mean, first or last token", path, field));
  }
  QUIRE_RETURN_IF_ERROR(fields.status());
  if (kinds.size() != 1) {
    return Unimplemented("{}: wanted exactly one pooling mode, have {}", path, kinds.size());
  }
  return kinds.front();
}

// "DIR" for the paths "" and ".", "DIR/0_StaticEmbedding" and the like.
std::string ModuleDirectory(const std::string& directory, const std::string& path) {
  return path.empty() || path == "." ? directory : directory + "/" + path;
}

Status ReadModuleList(const std::string& directory, SentenceTransformersConfig& config) {
  const std::string path = directory + "/modules.json";
  const StatusOr<nlohmann::json> json = ReadJsonFile(path);
  if (absl::IsNotFound(json.status())) return OkStatus();
  QUIRE_RETURN_IF_ERROR(json.status());
  QUIRE_ASSIGN_OR_RETURN(const std::vector<Module> modules, ReadModules(*json, path));
  config.pooling.normalize = false;
  for (const Module& module : modules) {
    const bool is_first = &module == &modules.front();
    if (module.type == "Transformer") continue;
    if (module.type == "StaticEmbedding" && is_first) {
      config.is_static = true;
      config.model_directory = ModuleDirectory(directory, module.path);
    } else if (module.type == "Normalize") {
      config.pooling.normalize = true;
    } else if (module.type == "Pooling" && !config.is_static) {
      QUIRE_ASSIGN_OR_RETURN(config.pooling.kind,
                             ReadPooling(ModuleDirectory(directory, module.path) + "/config.json"));
    } else {
      return Unimplemented(
          "{}: wanted Transformer and Pooling or StaticEmbedding, and Normalize, have \"{}\"", path,
          module.type);
    }
  }
  return OkStatus();
}

}  // namespace

StatusOr<SentenceTransformersConfig> LoadSentenceTransformersConfig(const std::string& directory) {
  SentenceTransformersConfig config;
  config.model_directory = directory;
  if (IsGgufPath(directory)) {
    QUIRE_ASSIGN_OR_RETURN(const auto file, GgufFile::Open(directory, MappedFile::Wanted::kSome));
    QUIRE_ASSIGN_OR_RETURN(config.pooling, ReadGgufPooling(*file));
    QUIRE_RETURN_IF_ERROR(file->CheckUnchanged());
    return config;
  }
  QUIRE_RETURN_IF_ERROR(ReadModuleList(directory, config));
  const std::string path = directory + "/sentence_bert_config.json";
  const StatusOr<nlohmann::json> json = ReadJsonFile(path);
  if (absl::IsNotFound(json.status())) return config;
  QUIRE_RETURN_IF_ERROR(json.status());
  JsonFields fields(*json, path);
  fields.Read("max_seq_length", config.max_tokens, 1, kMaxTokens);
  QUIRE_RETURN_IF_ERROR(fields.status());
  return config;
}

}  // namespace quire::engine
