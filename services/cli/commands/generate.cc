#include <fmt/format.h>

#include <cstdio>

#include "quire/inference/v1/inference.grpc.pb.h"
#include "services/cli/commands/commands.h"
#include "services/cli/json_text.h"
#include "services/cli/sampling_options.h"
#include "services/cli/session.h"
#include "services/inference/inference_server.h"

namespace quire::services::cli {
namespace {

using inference::v1::GenerateRequest;
using inference::v1::InferenceService;
using inference::v1::StreamGenerateResponse;

class GenerateCommand final : public Command {
 public:
  explicit GenerateCommand(CLI::App& parent);
  Status Run(Session& session) override;

 private:
  StatusOr<GenerateRequest> MakeRequest(const std::string& model) const;
  void Handle(const StreamGenerateResponse& event) const;

  ModelOptions model_;
  SamplingOptions sampling_;
  std::string text_;
  std::string prompt_;
  std::string prompt_ids_;
  bool json_events_ = false;
  bool statistics_ = false;
};

GenerateCommand::GenerateCommand(CLI::App& parent)
    : Command(
          parent,
          {.name = "generate",
           .summary = "Continue a raw text; no chat template",
           .group = kModelCommands,
           .examples = "  quire generate --model ./llama --prompt 'Once upon a time'\n"
                       "  echo 'Dear Sir' | quire generate --model ./llama --max-tokens 50 -"}) {
  auto* text = app().add_option("PROMPT", text_, "The text; - reads it from stdin");
  auto* prompt = app().add_option("--prompt", prompt_,
                                  "The text to continue. Without a prompt the model starts from "
                                  "its beginning-of-sequence token");
  prompt->type_name("TEXT")->excludes(text);
  app()
      .add_option("--prompt-ids", prompt_ids_, "The prompt as token ids, used as they are")
      ->type_name("1,2,3")
      ->excludes(text)
      ->excludes(prompt);
  AddModelOption(app(), model_);
  AddSamplingOptions(app(), sampling_);
  AddDeviceOptions(app(), model_);
  AddQuantizeOption(app(), model_.quantize);
  AddCacheOptions(app(), model_);
  app().add_flag("--jsonl", json_events_, "Print one JSON object per event");
  app().add_flag("--stats", statistics_, "Print counts and speed to stderr");
}

StatusOr<GenerateRequest> GenerateCommand::MakeRequest(const std::string& model) const {
  GenerateRequest request;
  request.set_model(model);
  if (!prompt_ids_.empty()) {
    QUIRE_ASSIGN_OR_RETURN(const std::vector<std::int32_t> ids, ParseIdList(prompt_ids_));
    request.mutable_token_ids()->mutable_ids()->Assign(ids.begin(), ids.end());
  } else if (text_ == "-") {
    request.set_text(ReadStdin());
  } else {
    request.set_text(text_.empty() ? prompt_ : text_);
  }
  QUIRE_RETURN_IF_ERROR(SetGeneration(sampling_, request));
  return request;
}

void GenerateCommand::Handle(const StreamGenerateResponse& event) const {
  if (json_events_) {
    Print(ToJson(event) + "\n");
  } else if (event.has_delta()) {
    Print(event.delta().text());
  }
  if (statistics_ && event.has_usage()) fmt::print(stderr, "{}\n", FormatUsage(event.usage()));
}

Status GenerateCommand::Run(Session& session) {
  const auto services = session.Connect(model_, Store::kTemporary);
  QUIRE_ASSIGN_OR_RETURN(const GenerateRequest request,
                         MakeRequest(services->language_model_name()));
  QUIRE_ASSIGN_OR_RETURN(const auto channel, services->LanguageModel());
  const auto stub = InferenceService::NewStub(channel);
  Call call(session);
  const auto reader = stub->StreamGenerate(call.context(), request);
  StreamGenerateResponse event;
  while (reader->Read(&event)) {
    // The text and one line feed: whoever takes the last byte off has the text, byte for byte.
    if (event.has_usage() && !json_events_) Print("\n");
    Handle(event);
  }
  return call.Finish(reader->Finish());
}

}  // namespace

std::unique_ptr<Command> NewGenerateCommand(CLI::App& parent) {
  return std::make_unique<GenerateCommand>(parent);
}

}  // namespace quire::services::cli
