#include <filesystem>

#include "engine/formats/checkpoint.h"
#include "engine/formats/safetensors.h"
#include "services/cli/commands/commands.h"
#include "services/cli/model_path.h"
#include "services/cli/session.h"
#include "services/cli/table.h"

namespace quire::services::cli {
namespace {

using engine::SafetensorsFile;
using engine::TensorInfo;

class InspectCommand final : public Command {
 public:
  explicit InspectCommand(CLI::App& parent)
      : Command(parent, {.name = "inspect",
                         .summary = "What a model file holds, tensor by tensor",
                         .group = kModelCommands,
                         .examples = "  quire inspect ./llama/model.safetensors\n"
                                     "  quire inspect ./llama"}) {
    app().add_option("FILE", path_, "A safetensors file or a model directory")->required();
  }

  Status Run(Session& session) override;

 private:
  StatusOr<std::vector<std::shared_ptr<const SafetensorsFile>>> Open() const;

  std::string path_;
};

StatusOr<std::vector<std::shared_ptr<const SafetensorsFile>>> InspectCommand::Open() const {
  std::error_code error;
  if (!std::filesystem::exists(path_, error)) return NotFound("{}: no such file", path_);
  if (std::filesystem::is_directory(path_, error)) {
    const auto checkpoint = engine::Checkpoint::Open(path_);
    if (!checkpoint.ok()) return ModelFileError(checkpoint.status());
    return (*checkpoint)->files();
  }
  if (path_.ends_with(".gguf")) {
    return InvalidArgument("{}: GGUF files are not supported yet; wanted a safetensors file",
                           path_);
  }
  auto file = SafetensorsFile::Open(path_);
  if (!file.ok()) return ModelFileError(file.status());
  return std::vector{*std::move(file)};
}

Status InspectCommand::Run(Session& session) {
  QUIRE_ASSIGN_OR_RETURN(const auto files, Open());
  Table table({"TENSOR", "TYPE", "SHAPE", "BYTES"});
  std::size_t num_tensors = 0;
  std::uint64_t size_bytes = 0;
  for (const auto& file : files) {
    num_tensors += file->tensors().size();
    for (const TensorInfo& tensor : file->tensors()) {
      size_bytes += tensor.size_bytes();
      table.AddRow({tensor.name, std::string(engine::TensorDTypeName(tensor.dtype)),
                    engine::ShapeText(tensor.shape), fmt::format("{}", tensor.size_bytes())});
    }
  }
  Print(table.Format(session.terminal()));
  fmt::print(stderr, "{} tensors in {} file{}, {}\n", num_tensors, files.size(),
             files.size() == 1 ? "" : "s", FormatBytes(static_cast<std::int64_t>(size_bytes)));
  return OkStatus();
}

}  // namespace

std::unique_ptr<Command> NewInspectCommand(CLI::App& parent) {
  return std::make_unique<InspectCommand>(parent);
}

}  // namespace quire::services::cli
