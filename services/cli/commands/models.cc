#include <filesystem>

#include "engine/formats/checkpoint.h"
#include "engine/formats/gguf_file.h"
#include "engine/model/model_config.h"
#include "engine/model/sentence_transformers.h"
#include "engine/tokenizer/chat_template.h"
#include "quire/inference/v1/inference.grpc.pb.h"
#include "services/cli/commands/commands.h"
#include "services/cli/confirm.h"
#include "services/cli/json_text.h"
#include "services/cli/model_path.h"
#include "services/cli/pages.h"
#include "services/cli/session.h"
#include "services/cli/table.h"
#include "services/hub/hub_cache.h"
#include "services/hub/hub_settings.h"
#include "services/hub/model_reference.h"
#include "services/hub/pull_model.h"
#include "services/server/channel.h"

namespace quire::services::cli {
namespace {

namespace fs = std::filesystem;
using inference::v1::InferenceService;
using inference::v1::Model;

template <typename Tensors>
std::int64_t SizeBytes(const Tensors& tensors) {
  std::uint64_t size_bytes = 0;
  for (const auto& tensor : tensors) size_bytes += tensor.size_bytes();
  return static_cast<std::int64_t>(size_bytes);
}

// The weights of a static embedding model may lie in a folder of their own.
StatusOr<std::string> WeightDirectory(const std::string& path, const engine::ModelConfig& config) {
  if (!config.is_static()) return path;
  QUIRE_ASSIGN_OR_RETURN(auto settings, engine::LoadSentenceTransformersConfig(path));
  return std::move(settings.model_directory);
}

StatusOr<std::int64_t> WeightBytes(const std::string& path, const engine::ModelConfig& config) {
  if (engine::IsGgufPath(path)) {
    QUIRE_ASSIGN_OR_RETURN(const auto file,
                           engine::GgufFile::Open(path, MappedFile::Wanted::kSome));
    return SizeBytes(file->tensors());
  }
  QUIRE_ASSIGN_OR_RETURN(const std::string directory, WeightDirectory(path, config));
  QUIRE_ASSIGN_OR_RETURN(const auto checkpoint, engine::Checkpoint::Open(directory));
  std::int64_t size_bytes = 0;
  for (const auto& file : checkpoint->shards()) size_bytes += SizeBytes(file->tensors());
  return size_bytes;
}

// What a server would say about the model at a path, without loading it.
StatusOr<Model> DescribeModel(const std::string& path) {
  const auto config = engine::LoadModelConfig(path);
  if (!config.ok()) return ModelFileError(config.status());
  const StatusOr<std::int64_t> weight_bytes = WeightBytes(path, *config);
  if (!weight_bytes.ok()) return ModelFileError(weight_bytes.status());
  Model model;
  model.set_name("models/" + ModelName(path));
  model.set_architecture(config->architecture);
  model.set_context_tokens(config->max_position_embeddings);
  model.set_vocab_size(config->vocab_size);
  const bool generates = config->task == engine::ModelTask::kGenerate;
  model.set_can_embed(config->is_encoder());
  model.set_can_rerank(config->task == engine::ModelTask::kRerank);
  model.set_can_generate(generates);
  model.set_can_chat(generates && engine::ChatTemplate::Load(path).ok());
  if (config->is_encoder()) model.set_embedding_dimension(config->hidden_size);
  model.set_weight_bytes(*weight_bytes);
  return model;
}

class ModelsLsCommand final : public Command {
 public:
  explicit ModelsLsCommand(CLI::App& parent)
      : Command(parent, {.name = "ls",
                         .summary = "Models that can be given by name",
                         .group = "",
                         .examples = "  quire models ls\n"
                                     "  quire models ls --server localhost:50051"}) {}

  Status Run(Session& session) override {
    if (session.is_remote()) return ListServed(session);
    Table table({"NAME", "KIND", "PATH"});
    for (const NamedModel& model : ListNamedModels(session.options())) {
      table.AddRow({model.name, model.bundled ? "bundled" : "local", model.path});
    }
    QUIRE_ASSIGN_OR_RETURN(const auto settings, hub::ReadHubSettings(hub::ProcessEnvironment));
    for (const auto& entry : hub::HubCache(settings.cache_dir).List()) {
      table.AddRow({"hf:" + entry.repo, "hub", entry.path.string()});
    }
    Print(table.Format(session.terminal()));
    return OkStatus();
  }

 private:
  static Status ListServed(Session& session) {
    const auto stub = InferenceService::NewStub(MakeChannel(session.options().server));
    Table table({"NAME", "ARCHITECTURE", "CONTEXT", "WEIGHTS"});
    QUIRE_RETURN_IF_ERROR(ForEachPage(
        session, *stub, &InferenceService::Stub::ListModels, inference::v1::ListModelsRequest(),
        [&](const inference::v1::ListModelsResponse& response) {
          for (const Model& model : response.models()) {
            table.AddRow({model.name().substr(model.name().rfind('/') + 1), model.architecture(),
                          fmt::format("{}", model.context_tokens()),
                          FormatBytes(model.weight_bytes())});
          }
        }));
    Print(table.Format(session.terminal()));
    return OkStatus();
  }
};

class ModelsShowCommand final : public Command {
 public:
  explicit ModelsShowCommand(CLI::App& parent)
      : Command(parent, {.name = "show",
                         .summary = "What a model is and can do, as JSON",
                         .group = "",
                         .examples = "  quire models show ./llama"}) {
    app().add_option("MODEL", model_, "Directory or name")->required();
  }

  Status Run(Session& session) override {
    QUIRE_ASSIGN_OR_RETURN(const Model model,
                           session.is_remote() ? GetServed(session) : GetLocal(session));
    Print(ToJson(model, JsonStyle::kPretty) + "\n");
    return OkStatus();
  }

 private:
  StatusOr<Model> GetLocal(Session& session) const {
    if (hub::IsModelReference(model_)) return GetPulled();
    QUIRE_ASSIGN_OR_RETURN(const std::string path,
                           ResolveModel(model_, ModelKind::kLanguage, session.options()));
    return DescribeModel(path);
  }

  // To be shown is no reason to be downloaded.
  StatusOr<Model> GetPulled() const {
    const auto path = hub::FindPulledModel(model_);
    if (absl::IsNotFound(path.status())) {
      return NotFound("{}; `quire models pull {}` downloads it", Message(path.status()), model_);
    }
    QUIRE_RETURN_IF_ERROR(path.status());
    return DescribeModel(*path);
  }

  StatusOr<Model> GetServed(Session& session) const {
    const auto stub = InferenceService::NewStub(MakeChannel(session.options().server));
    inference::v1::GetModelRequest request;
    request.set_name(model_.starts_with("models/") ? model_ : "models/" + model_);
    QUIRE_ASSIGN_OR_RETURN(auto response,
                           CallUnary(session, *stub, &InferenceService::Stub::GetModel, request));
    return std::move(*response.mutable_model());
  }

  std::string model_;
};

class ModelsPullCommand final : public Command {
 public:
  explicit ModelsPullCommand(CLI::App& parent)
      : Command(parent,
                {.name = "pull",
                 .summary = "Download a model from a hub and print where it is",
                 .group = "",
                 .examples = "  quire models pull hf:sentence-transformers/all-MiniLM-L6-v2\n"
                             "  quire models pull hf:Qwen/Qwen2.5-0.5B-Instruct@main\n"
                             "  quire models pull hf:org/repo/model-q4_k_m.gguf"}) {
    app()
        .add_option("MODEL", model_, "hf:ORG/REPO, with @REVISION or /FILE.gguf if wanted")
        ->required();
  }

  Status Run(Session& session) override {
    if (session.is_remote()) {
      return InvalidArgument("models pull: wanted a model for this machine, have --server");
    }
    QUIRE_ASSIGN_OR_RETURN(const std::string path, PullHubModel(model_, session.options()));
    Print(path + "\n");
    return OkStatus();
  }

 private:
  std::string model_;
};

class ModelsRmCommand final : public Command {
 public:
  explicit ModelsRmCommand(CLI::App& parent)
      : Command(parent, {.name = "rm",
                         .summary = "Remove a model from DATA_DIR/models, or a download",
                         .group = "",
                         .examples = "  quire models rm old-model\n"
                                     "  quire models rm hf:org/repo"}) {
    app().add_option("NAME", name_, "One of `quire models ls`")->required();
    app().add_flag("--yes", yes_, "Do not ask");
  }

  Status Run(Session& session) override {
    if (session.is_remote()) {
      return InvalidArgument("models rm: wanted a model of this machine, have --server");
    }
    if (hub::IsModelReference(name_)) return RemovePulled(session);
    for (const NamedModel& model : ListNamedModels(session.options())) {
      if (model.name != name_ || model.bundled) continue;
      return Remove(session, session.options().data_dir + "/models/" + name_);
    }
    return NotFound("model {}: {}/models holds none of that name", name_,
                    session.options().data_dir);
  }

 private:
  // All revisions of the repository go: their files share contents.
  Status RemovePulled(Session& session) const {
    QUIRE_ASSIGN_OR_RETURN(const auto reference, hub::ParseModelReference(name_));
    QUIRE_ASSIGN_OR_RETURN(const auto settings, hub::ReadHubSettings(hub::ProcessEnvironment));
    for (const auto& entry : hub::HubCache(settings.cache_dir).List()) {
      if (entry.repo == reference.repo) return Remove(session, entry.path.string());
    }
    return NotFound("model {}: nothing of it in {}", name_, settings.cache_dir);
  }

  Status Remove(Session& session, const std::string& path) const {
    if (!yes_) QUIRE_RETURN_IF_ERROR(Confirm(session.terminal(), "remove " + path + "?"));
    std::error_code error;
    // Of a link the link alone goes.
    fs::remove_all(path, error);
    if (error) return Internal("{}: {}", path, error.message());
    return OkStatus();
  }

  std::string name_;
  bool yes_ = false;
};

}  // namespace

std::unique_ptr<Command> NewModelsLsCommand(CLI::App& parent) {
  return std::make_unique<ModelsLsCommand>(parent);
}
std::unique_ptr<Command> NewModelsShowCommand(CLI::App& parent) {
  return std::make_unique<ModelsShowCommand>(parent);
}
std::unique_ptr<Command> NewModelsPullCommand(CLI::App& parent) {
  return std::make_unique<ModelsPullCommand>(parent);
}
std::unique_ptr<Command> NewModelsRmCommand(CLI::App& parent) {
  return std::make_unique<ModelsRmCommand>(parent);
}

}  // namespace quire::services::cli
