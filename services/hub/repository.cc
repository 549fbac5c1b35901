#include "services/hub/repository.h"

#include <algorithm>
#include <array>
#include <nlohmann/json.hpp>
#include <set>

#include "services/hub/hub_cache.h"
#include "services/hub/model_reference.h"

namespace quire::services::hub {
namespace {

using Json = nlohmann::json;

constexpr std::size_t kMaxFiles = 100'000;
constexpr std::string_view kWeights = "model.safetensors";

// What the engine reads of a model's directory, besides weights and modules.
constexpr std::array<std::string_view, 16> kDescriptions = {"config.json",
                                                            "generation_config.json",
                                                            "tokenizer.json",
                                                            "tokenizer.model",
                                                            "tekken.json",
                                                            "tokenizer_config.json",
                                                            "special_tokens_map.json",
                                                            "added_tokens.json",
                                                            "chat_template.jinja",
                                                            "quantize_config.json",
                                                            "quant_config.json",
                                                            kModulesFile,
                                                            "sentence_bert_config.json",
                                                            "config_sentence_transformers.json",
                                                            kIndexFile,
                                                            "LICENSE"};
constexpr std::array<std::string_view, 3> kOfModules = {"config.json", "tokenizer.json", kWeights};

Json ParseOrNull(std::string_view text) {
  return Json::parse(text, /*callback=*/nullptr, /*allow_exceptions=*/false);
}

std::string Quoted(const std::vector<std::string>& names) {
  constexpr std::size_t kShown = 8;
  const std::size_t count = std::min(names.size(), kShown);
  return fmt::format(
      "{}{}", fmt::join(names.begin(), names.begin() + static_cast<std::ptrdiff_t>(count), ", "),
      names.size() > count ? ", ..." : "");
}

bool EndsWithAny(const std::string& name, std::initializer_list<std::string_view> endings) {
  return std::any_of(endings.begin(), endings.end(),
                     [&](std::string_view ending) { return name.ends_with(ending); });
}

Status NoWeights(const Repository& repository, const std::string& repo) {
  std::vector<std::string> ggufs;
  std::vector<std::string> pickles;
  for (const std::string& file : repository.files) {
    if (file.ends_with(".gguf")) ggufs.push_back(file);
    if (EndsWithAny(file, {".bin", ".pt", ".pth", ".ckpt"})) pickles.push_back(file);
  }
  if (!ggufs.empty()) {
    return Unimplemented(
        "hf:{}: wanted model.safetensors, have .gguf files: name one, as hf:{}/{}; "
        "there are {}",
        repo, repo, ggufs.front(), Quoted(ggufs));
  }
  if (!pickles.empty()) {
    return Unimplemented(
        "hf:{}: wanted model.safetensors, have {}: a pickle can run code and is not "
        "read",
        repo, Quoted(pickles));
  }
  return Unimplemented("hf:{}: wanted model.safetensors or a .gguf file, have neither", repo);
}

}  // namespace

bool Repository::Contains(std::string_view file) const {
  return std::find(files.begin(), files.end(), file) != files.end();
}

StatusOr<Repository> ParseRepository(std::string_view json, const std::string& repo) {
  const Json answer = ParseOrNull(json);
  const Json sha = answer.is_object() ? answer.value("sha", Json()) : Json();
  const Json siblings = answer.is_object() ? answer.value("siblings", Json()) : Json();
  if (!sha.is_string() || !IsCommit(sha.get_ref<const std::string&>()) || !siblings.is_array() ||
      siblings.size() > kMaxFiles) {
    return DataLoss("hf:{}: wanted a commit and a list of files from the hub, have something else",
                    repo);
  }
  Repository repository;
  repository.commit = sha.get<std::string>();
  for (const Json& sibling : siblings) {
    const Json name = sibling.is_object() ? sibling.value("rfilename", Json()) : Json();
    if (!name.is_string() || !IsSafePath(name.get_ref<const std::string&>())) {
      return DataLoss("hf:{}: wanted names of files inside the repository, have {}", repo,
                      name.dump(-1, ' ', /*ensure_ascii=*/true, Json::error_handler_t::replace));
    }
    repository.files.push_back(name.get<std::string>());
  }
  return repository;
}

std::vector<std::string> DescriptionFiles(const Repository& repository) {
  std::vector<std::string> files;
  for (const std::string_view name : kDescriptions) {
    if (repository.Contains(name)) files.emplace_back(name);
  }
  // Of no use beside the weights themselves.
  if (repository.Contains(kWeights)) std::erase(files, std::string(kIndexFile));
  return files;
}

StatusOr<std::vector<std::string>> ModuleFiles(const Repository& repository,
                                               std::string_view modules_json) {
  std::vector<std::string> files;
  const Json modules = ParseOrNull(modules_json);
  if (!modules.is_array()) return DataLoss("modules.json: wanted a list of modules");
  for (const Json& module : modules) {
    const Json path = module.is_object() ? module.value("path", Json()) : Json();
    if (!path.is_string()) return DataLoss("modules.json: wanted a path in each module");
    const std::string folder = path.get<std::string>();
    if (folder.empty()) continue;
    for (const std::string_view name : kOfModules) {
      // Only what the repository lists, whatever the path says.
      const std::string file = fmt::format("{}/{}", folder, name);
      if (repository.Contains(file)) files.push_back(file);
    }
  }
  return files;
}

StatusOr<std::vector<std::string>> WeightFiles(const Repository& repository,
                                               const std::vector<std::string>& module_files,
                                               std::string_view index_json,
                                               const std::string& repo) {
  if (repository.Contains(kWeights)) return std::vector<std::string>{std::string(kWeights)};
  const bool in_module = std::any_of(module_files.begin(), module_files.end(),
                                     [](const auto& file) { return file.ends_with(kWeights); });
  if (in_module) return std::vector<std::string>();
  if (index_json.empty()) return NoWeights(repository, repo);
  const Json index = ParseOrNull(index_json);
  const Json map = index.is_object() ? index.value("weight_map", Json()) : Json();
  std::set<std::string> shards;
  for (const auto& [tensor, shard] : map.items()) {
    if (!shard.is_string() || !shard.get_ref<const std::string&>().ends_with(".safetensors") ||
        !repository.Contains(shard.get_ref<const std::string&>())) {
      return DataLoss("hf:{}: {}: tensor {}: wanted a .safetensors file of the repository", repo,
                      kIndexFile, tensor);
    }
    shards.insert(shard.get<std::string>());
  }
  if (shards.empty()) return DataLoss("hf:{}: {}: wanted a map of weights", repo, kIndexFile);
  return std::vector<std::string>(shards.begin(), shards.end());
}

}  // namespace quire::services::hub
