#include "services/inference/model_name.h"

#include <algorithm>
#include <cctype>
#include <filesystem>

#include "services/hub/hub_cache.h"
#include "services/hub/model_reference.h"
#include "services/inference/model_registry.h"

namespace quire::services {
namespace {

constexpr std::size_t kMaxNameBytes = 128;

bool IsNameChar(char c) {
  return std::isalnum(static_cast<unsigned char>(c)) != 0 || c == '.' || c == '_' || c == '-';
}

bool IsReserved(const std::string& name) {
  return name == kDefaultLanguageModel || name == kDefaultEmbeddingModel ||
         name == kDefaultRerankingModel;
}

// A path whose last part names the model.
std::filesystem::path NamingPath(const std::string& path) {
  if (const auto reference = hub::ParseModelReference(path);
      hub::IsModelReference(path) && reference.ok()) {
    return reference->file.empty() ? reference->repo : reference->file;
  }
  std::error_code ignored;
  std::filesystem::path file = std::filesystem::absolute(path, ignored).lexically_normal();
  if (!file.has_filename()) file = file.parent_path();
  const auto repo = hub::RepoNameOfSnapshot(file);
  return repo && file.extension() != ".gguf" ? std::filesystem::path(*repo) : file;
}

}  // namespace

StatusOr<std::string> ModelName(const std::string& given, const std::string& path) {
  if (!given.empty()) {
    if (given.size() > kMaxNameBytes || IsReserved(given) ||
        !std::all_of(given.begin(), given.end(), IsNameChar)) {
      return InvalidArgument(
          "model name: wanted up to {} letters, digits, '.', '_' or '-', and none of '{}', '{}' "
          "and "
          "'{}', have '{}'",
          kMaxNameBytes, kDefaultLanguageModel, kDefaultEmbeddingModel, kDefaultRerankingModel,
          given);
    }
    return given;
  }
  std::filesystem::path file = NamingPath(path);
  if (file.extension() == ".gguf") file = file.stem();
  std::string name = file.filename().string().substr(0, kMaxNameBytes);
  std::replace_if(
      name.begin(), name.end(), [](char c) { return !IsNameChar(c); }, '-');
  if (name.empty() || IsReserved(name)) name = "model-" + name;
  return name;
}

}  // namespace quire::services
