#include "services/cli/model_path.h"

#include <algorithm>
#include <filesystem>
#include <optional>

#include "services/cli/progress.h"
#include "services/cli/terminal.h"
#include "services/hub/hub_cache.h"
#include "services/hub/pull_model.h"
#include "services/server/error_details.h"

namespace quire::services::cli {
namespace {

namespace fs = std::filesystem;

constexpr std::string_view kGgufExtension = ".gguf";

// Folders beside the program that may hold bundled models: of an installation, of a build.
std::vector<fs::path> BundleDirectories(const GlobalOptions& options) {
  if (!options.model_dir.empty()) return {options.model_dir};
  std::error_code error;
  const fs::path program = fs::read_symlink("/proc/self/exe", error);
  if (error) return {};
  const fs::path folder = program.parent_path();
  return {folder.parent_path() / "share" / "quire",
          folder.parent_path().parent_path().parent_path() / "deploy" / "demo"};
}

// A kind of model: the folder below the bundle directory that holds the bundled one, what people
// call it, how it is given.
struct KindText {
  const char* folder;
  const char* name;
  const char* flag;
  const char* example;
};

KindText TextOf(ModelKind kind) {
  switch (kind) {
    case ModelKind::kLanguage:
      return {"model", "language model", "--model", ""};
    case ModelKind::kEmbedding:
      return {"embedding", "embedding model", "--embedding-model", " (all-MiniLM-L6-v2 is one)"};
    case ModelKind::kReranking:
      return {"reranking", "reranking model", "--rerank-model", " (ms-marco-MiniLM-L6-v2 is one)"};
  }
  return {};
}

// The only .gguf file of a folder; nothing if there is none or a choice.
std::optional<fs::path> OnlyGgufFile(const fs::path& folder) {
  std::optional<fs::path> found;
  std::error_code error;
  for (fs::directory_iterator it(folder, error), end; !error && it != end; it.increment(error)) {
    if (it->path().extension() != kGgufExtension) continue;
    if (found) return std::nullopt;
    found = it->path();
  }
  return found;
}

// The model that a folder holds: the folder itself or a GGUF file in it.
std::optional<fs::path> ModelIn(const fs::path& folder) {
  std::error_code error;
  // Static embedding models have the second alone.
  if (fs::exists(folder / "config.json", error) || fs::exists(folder / "modules.json", error)) {
    return folder;
  }
  return OnlyGgufFile(folder);
}

void AppendModels(const fs::path& folder, bool bundled, std::vector<NamedModel>& models) {
  std::error_code error;
  const auto start = models.size();
  for (fs::directory_iterator it(folder, error), end; !error && it != end; it.increment(error)) {
    if (const auto model = ModelIn(it->path())) {
      models.push_back({it->path().filename().string(), model->string(), bundled});
    }
  }
  std::sort(models.begin() + static_cast<std::ptrdiff_t>(start), models.end(),
            [](const NamedModel& a, const NamedModel& b) { return a.name < b.name; });
}

StatusOr<std::string> BundledModel(ModelKind kind, const GlobalOptions& options) {
  const KindText text = TextOf(kind);
  for (const fs::path& folder : BundleDirectories(options)) {
    if (const auto model = ModelIn(folder / text.folder)) return model->string();
  }
  return InvalidArgument(
      "{}: none given and none is bundled; give {} the directory of a Hugging Face model{}",
      text.name, text.flag, text.example);
}

}  // namespace

std::vector<NamedModel> ListNamedModels(const GlobalOptions& options) {
  std::vector<NamedModel> models;
  AppendModels(fs::path(options.data_dir) / "models", /*bundled=*/false, models);
  for (const fs::path& folder : BundleDirectories(options)) {
    AppendModels(folder, /*bundled=*/true, models);
  }
  return models;
}

StatusOr<std::string> ResolveModel(std::string_view spec, ModelKind kind,
                                   const GlobalOptions& options) {
  if (spec.empty()) return BundledModel(kind, options);
  if (hub::IsModelReference(spec)) return PullHubModel(spec, options);
  std::error_code error;
  if (fs::is_directory(fs::path(spec), error)) {
    const auto model = ModelIn(fs::path(spec));
    return model ? model->string() : std::string(spec);
  }
  if (fs::exists(fs::path(spec), error)) {
    if (spec.ends_with(kGgufExtension)) return std::string(spec);
    return InvalidArgument("model {}: wanted a directory or a .gguf file, have a file", spec);
  }
  for (const NamedModel& model : ListNamedModels(options)) {
    if (model.name == spec) return model.path;
  }
  return NotFound(
      "model {}: no such directory, and neither {}/models nor the bundled models have that name; "
      "`quire models ls` lists names",
      spec, options.data_dir);
}

StatusOr<std::string> PullHubModel(std::string_view spec, const GlobalOptions& options) {
  const Terminal terminal = DetectTerminal(options.color);
  ProgressLine line(terminal.stderr_is_terminal, terminal.columns);
  auto path = hub::PullModel(spec, [&](const hub::DownloadProgress& progress) {
    constexpr std::int64_t kMebibyte = 1 << 20;
    line.Update(fmt::format("{} (MiB)", progress.file), progress.done_bytes / kMebibyte,
                progress.total_bytes / kMebibyte);
    return true;
  });
  // There is no model of a kind that is read here.
  if (absl::IsUnimplemented(path.status())) return ModelFileError(path.status());
  return path;
}

std::string ModelName(const std::string& path) {
  if (path.empty()) return "";
  const fs::path full = fs::absolute(fs::path(path)).lexically_normal();
  const auto repo = hub::RepoNameOfSnapshot(full);
  if (repo && full.extension() != kGgufExtension) return *repo;
  const fs::path last = (full.has_filename() ? full : full.parent_path()).filename();
  return (last.extension() == kGgufExtension ? last.stem() : last).string();
}

Status ModelFileError(const Status& status) {
  return WithErrorInfo(status, kBadModelFile, /*metadata=*/{});
}

}  // namespace quire::services::cli
