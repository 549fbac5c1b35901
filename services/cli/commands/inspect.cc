#include <array>
#include <filesystem>
#include <fstream>

#include "engine/formats/checkpoint.h"
#include "engine/formats/gguf_file.h"
#include "engine/formats/safetensors.h"
#include "services/cli/commands/commands.h"
#include "services/cli/model_path.h"
#include "services/cli/session.h"
#include "services/cli/table.h"
#include "services/hub/model_reference.h"

namespace quire::services::cli {
namespace {

using engine::GgufFile;
using engine::SafetensorsFile;
using engine::TensorInfo;

class InspectCommand final : public Command {
 public:
  explicit InspectCommand(CLI::App& parent)
      : Command(parent, {.name = "inspect",
                         .summary = "What a model file holds, tensor by tensor",
                         .group = kModelCommands,
                         .examples = "  quire inspect ./llama/model.safetensors\n"
                                     "  quire inspect ./llama.gguf\n"
                                     "  quire inspect hf:org/repo"}) {
    app()
        .add_option("FILE", path_,
                    "A safetensors or GGUF file, a model directory, or hf:ORG/REPO[@REVISION]")
        ->required();
  }

  Status Run(Session& session) override;

 private:
  StatusOr<std::vector<std::shared_ptr<const SafetensorsFile>>> OpenSafetensors() const;
  Status ListSafetensors(Session& session) const;
  Status ListGguf(Session& session) const;

  std::string path_;
};

// What is said about any file after its tensors.
void PrintTotal(std::size_t num_tensors, std::size_t num_files, std::uint64_t size_bytes) {
  fmt::print(stderr, "{} tensors in {} file{}, {}\n", num_tensors, num_files,
             num_files == 1 ? "" : "s", FormatBytes(static_cast<std::int64_t>(size_bytes)));
}

StatusOr<std::vector<std::shared_ptr<const SafetensorsFile>>> InspectCommand::OpenSafetensors()
    const {
  std::error_code error;
  if (std::filesystem::is_directory(path_, error)) {
    const auto checkpoint = engine::Checkpoint::Open(path_);
    if (!checkpoint.ok()) return ModelFileError(checkpoint.status());
    return (*checkpoint)->shards();
  }
  auto file = SafetensorsFile::Open(path_);
  if (!file.ok()) return ModelFileError(file.status());
  return std::vector{*std::move(file)};
}

Status InspectCommand::ListSafetensors(Session& session) const {
  QUIRE_ASSIGN_OR_RETURN(const auto files, OpenSafetensors());
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
  PrintTotal(num_tensors, files.size(), size_bytes);
  return OkStatus();
}

// "string", "array of 512 f32"
std::string TypeText(const engine::GgufValue& value) {
  const std::string_view name = engine::GgufValueTypeName(value.type);
  if (value.type != engine::GgufValueType::kArray) return std::string(name);
  return fmt::format("{} of {} {}", name, value.count,
                     engine::GgufValueTypeName(value.element_type));
}

Status InspectCommand::ListGguf(Session& session) const {
  const auto file = GgufFile::Open(path_, MappedFile::Wanted::kSome);
  if (!file.ok()) return ModelFileError(file.status());
  Table keys({"KEY", "TYPE", "VALUE"});
  for (const auto& [key, value] : (*file)->metadata().values()) {
    keys.AddRow({std::string(key), TypeText(value), engine::DescribeGgufValue(value)});
  }
  Table tensors({"TENSOR", "TYPE", "SHAPE", "BYTES"});
  std::uint64_t size_bytes = 0;
  for (const engine::GgufTensor& tensor : (*file)->tensors()) {
    size_bytes += tensor.size_bytes();
    tensors.AddRow({std::string(tensor.name), std::string(engine::TraitsOf(tensor.type).name),
                    engine::ShapeText(tensor.shape), fmt::format("{}", tensor.size_bytes())});
  }
  if (const Status status = (*file)->CheckUnchanged(); !status.ok()) return ModelFileError(status);
  Print(keys.Format(session.terminal()));
  Print("\n");
  Print(tensors.Format(session.terminal()));
  PrintTotal((*file)->tensors().size(), 1, size_bytes);
  return OkStatus();
}

// By its first bytes: a GGUF file may have any name.
bool IsGguf(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  std::array<char, 4> magic{};
  file.read(magic.data(), magic.size());
  return engine::IsGgufPath(path) || std::string_view(magic.data(), magic.size()) == "GGUF";
}

Status InspectCommand::Run(Session& session) {
  if (hub::IsModelReference(path_)) {
    QUIRE_ASSIGN_OR_RETURN(path_, PullHubModel(path_, session.options()));
  }
  std::error_code error;
  if (!std::filesystem::exists(path_, error)) return NotFound("{}: no such file", path_);
  const bool is_file = std::filesystem::is_regular_file(path_, error);
  return is_file && IsGguf(path_) ? ListGguf(session) : ListSafetensors(session);
}

}  // namespace

std::unique_ptr<Command> NewInspectCommand(CLI::App& parent) {
  return std::make_unique<InspectCommand>(parent);
}

}  // namespace quire::services::cli
