#include <iostream>
#include <span>

#include "quire/inference/v1/inference.grpc.pb.h"
#include "services/cli/commands/commands.h"
#include "services/cli/json_text.h"
#include "services/cli/session.h"

namespace quire::services::cli {
namespace {

using inference::v1::EmbedRequest;
using inference::v1::InferenceService;

constexpr int kMaxBatch = 64;

class EmbedCommand final : public Command {
 public:
  explicit EmbedCommand(CLI::App& parent);
  Status Run(Session& session) override;

 private:
  ModelOptions model_;
  bool query_ = false;
};

EmbedCommand::EmbedCommand(CLI::App& parent)
    : Command(parent, {.name = "embed",
                       .summary = "Texts to vectors: JSON strings in, JSON arrays out, by line",
                       .group = kModelCommands,
                       .examples = "  echo '\"Hello there\"' | quire embed --model ./minilm"}) {
  app()
      .add_option(
          "--model", model_.embedding_model,
          "Directory or .gguf file of an embedding model, or the name of a bundled one; with "
          "--server one of its models")
      ->type_name("MODEL");
  app().add_flag("--query", query_, "The texts are questions, not passages");
  AddDeviceOptions(app(), model_);
}

Status EmbedBatch(Session& session, InferenceService::Stub& stub, EmbedRequest& request) {
  if (request.texts().empty()) return OkStatus();
  QUIRE_ASSIGN_OR_RETURN(const auto response,
                         CallUnary(session, stub, &InferenceService::Stub::Embed, request));
  for (const auto& embedding : response.embeddings()) {
    Print(JsonArray(std::span(embedding.values().data(),
                              static_cast<std::size_t>(embedding.values_size()))) +
          "\n");
  }
  request.clear_texts();
  return OkStatus();
}

Status EmbedCommand::Run(Session& session) {
  const auto services = session.Connect(model_, Store::kTemporary);
  QUIRE_ASSIGN_OR_RETURN(const auto channel, services->EmbeddingModel());
  const auto stub = InferenceService::NewStub(channel);
  EmbedRequest request;
  request.set_model(services->embedding_model_name());
  request.set_input_type(query_ ? inference::v1::EMBED_INPUT_TYPE_QUERY
                                : inference::v1::EMBED_INPUT_TYPE_PASSAGE);
  QUIRE_RETURN_IF_ERROR(ForEachInputLine([&](const std::string& line) -> Status {
    QUIRE_ASSIGN_OR_RETURN(*request.add_texts(), ParseJsonString(line));
    // Whoever waits for the answer to a line before writing the next gets it; lines that are there
    // already share a call.
    const bool more = std::cin.rdbuf()->in_avail() > 0;
    if (more && request.texts_size() < kMaxBatch) return OkStatus();
    return EmbedBatch(session, *stub, request);
  }));
  return EmbedBatch(session, *stub, request);
}

}  // namespace

std::unique_ptr<Command> NewEmbedCommand(CLI::App& parent) {
  return std::make_unique<EmbedCommand>(parent);
}

}  // namespace quire::services::cli
