#include "services/cli/collection_models.h"

#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>

#include "base/mapped_file.h"
#include "services/cli/model_path.h"
#include "services/cli/resource_names.h"

namespace quire::services::cli {
namespace {

namespace fs = std::filesystem;
using Json = nlohmann::json;

constexpr std::size_t kMaxRememberedBytes = 16 << 20;

fs::path FilePath(const GlobalOptions& options) {
  return fs::path(options.data_dir) / "collection_models.json";
}

// An absent or damaged file counts as empty: what it says is a convenience.
Json Read(const GlobalOptions& options) {
  const auto text = ReadFile(FilePath(options).string(), kMaxRememberedBytes);
  if (!text.ok()) return Json::object();
  Json json = Json::parse(*text, nullptr, /*allow_exceptions=*/false);
  return json.is_object() ? json : Json::object();
}

Status Write(const GlobalOptions& options, const Json& json) {
  const fs::path path = FilePath(options);
  const fs::path part = path.string() + ".part";
  {
    std::ofstream file(part);
    file << json.dump(2) << "\n";
    if (!file.flush()) return Internal("{}: cannot be written", part.string());
  }
  std::error_code error;
  fs::rename(part, path, error);
  if (error) return Internal("{}: {}", path.string(), error.message());
  return OkStatus();
}

}  // namespace

ModelOptions WithCollectionModel(ModelOptions models, const std::string& collection,
                                 const GlobalOptions& options) {
  if (!options.server.empty()) return models;
  const Json all = Read(options);
  const auto entry = all.find(LastSegment(collection));
  if (entry == all.end() || !entry->is_object()) return models;
  const Json path = entry->value("path", Json());
  const Json name = entry->value("name", Json());
  if (!path.is_string() || !name.is_string()) return models;
  // The name holds for another copy of the model too; other weights the service refuses itself.
  models.embedding_model_name = name.get<std::string>();
  if (models.embedding_model.empty()) models.embedding_model = path.get<std::string>();
  return models;
}

Status RememberCollectionModel(const GlobalOptions& options, const std::string& collection,
                               const ModelOptions& models, const std::string& model_name) {
  // The bundled model is found anyway, wherever Quire is installed.
  if (models.embedding_model.empty()) return ForgetCollectionModel(options, collection);
  QUIRE_ASSIGN_OR_RETURN(const std::string path,
                         ResolveModel(models.embedding_model, ModelKind::kEmbedding, options));
  std::error_code error;
  const fs::path absolute = fs::absolute(path, error);
  Json all = Read(options);
  all[LastSegment(collection)] = {{"name", model_name}, {"path", absolute.string()}};
  return Write(options, all);
}

Status ForgetCollectionModel(const GlobalOptions& options, const std::string& collection) {
  Json all = Read(options);
  if (all.erase(LastSegment(collection)) == 0) return OkStatus();
  return Write(options, all);
}

}  // namespace quire::services::cli
