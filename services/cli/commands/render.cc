#include <ctime>
#include <nlohmann/json.hpp>

#include "base/mapped_file.h"
#include "engine/tokenizer/chat_template.h"
#include "engine/tokenizer/tokenizer.h"
#include "quire/inference/v1/inference.grpc.pb.h"
#include "services/cli/commands/commands.h"
#include "services/cli/json_text.h"
#include "services/cli/model_path.h"
#include "services/cli/session.h"

namespace quire::services::cli {
namespace {

using engine::ChatTemplate;
using inference::v1::InferenceService;
using OrderedJson = nlohmann::ordered_json;

constexpr std::size_t kMaxTemplateBytes = 1 << 20;

class RenderCommand final : public Command {
 public:
  explicit RenderCommand(CLI::App& parent);
  Status Run(Session& session) override;

 private:
  StatusOr<std::string> RenderLocally(const OrderedJson& input, const GlobalOptions& options) const;
  StatusOr<std::string> RenderAtServer(Session& session, const OrderedJson& input) const;
  // Reads the template, and the special tokens that were not given.
  StatusOr<std::unique_ptr<ChatTemplate>> Load(const GlobalOptions& options,
                                               ChatTemplate::Options& tokens) const;

  ModelOptions model_;
  std::string template_path_;
  std::string bos_token_;
  std::string eos_token_;
  bool no_generation_prompt_ = false;
};

RenderCommand::RenderCommand(CLI::App& parent)
    : Command(parent,
              {.name = "render",
               .summary = "A chat as the prompt that its template makes of it",
               .group = kModelCommands,
               .examples = "  echo '{\"messages\":[{\"role\":\"user\",\"content\":\"Hi\"}]}' | "
                           "quire render --model ./llama"}) {
  AddModelOption(app(), model_);
  app()
      .add_option("--template", template_path_, "A Jinja template, instead of the model's")
      ->type_name("FILE");
  app().add_option("--bos", bos_token_, "bos_token of the template")->type_name("TEXT");
  app().add_option("--eos", eos_token_, "eos_token of the template")->type_name("TEXT");
  app().add_flag("--no-generation-prompt", no_generation_prompt_,
                 "Leave out the marker that opens the assistant's turn");
}

std::string TokenText(const engine::Tokenizer& tokenizer, std::optional<engine::TokenId> id) {
  return id ? tokenizer.TokenText(*id) : "";
}

StatusOr<std::unique_ptr<ChatTemplate>> RenderCommand::Load(const GlobalOptions& options,
                                                            ChatTemplate::Options& tokens) const {
  if (!template_path_.empty()) {
    QUIRE_ASSIGN_OR_RETURN(const std::string source, ReadFile(template_path_, kMaxTemplateBytes));
    auto compiled = ChatTemplate::Compile(source);
    if (!compiled.ok()) return ModelFileError(Annotate(compiled.status(), template_path_));
    return compiled;
  }
  QUIRE_ASSIGN_OR_RETURN(const std::string path,
                         ResolveModel(model_.model, ModelKind::kLanguage, options));
  auto loaded = ChatTemplate::Load(path);
  if (absl::IsNotFound(loaded.status())) {
    return FailedPrecondition("model {}: has no chat template", path);
  }
  if (!loaded.ok()) return ModelFileError(loaded.status());
  auto tokenizer = engine::Tokenizer::Load(path);
  if (!tokenizer.ok()) return ModelFileError(tokenizer.status());
  if (tokens.bos_token.empty()) {
    tokens.bos_token = TokenText(**tokenizer, (*tokenizer)->bos_token_id());
  }
  if (tokens.eos_token.empty()) {
    tokens.eos_token = TokenText(**tokenizer, (*tokenizer)->eos_token_id());
  }
  return loaded;
}

StatusOr<std::string> RenderCommand::RenderLocally(const OrderedJson& input,
                                                   const GlobalOptions& options) const {
  ChatTemplate::Options tokens{.add_generation_prompt = !no_generation_prompt_,
                               .bos_token = bos_token_,
                               .eos_token = eos_token_,
                               .now_seconds = std::time(nullptr)};
  QUIRE_ASSIGN_OR_RETURN(const auto chat_template, Load(options, tokens));
  QUIRE_ASSIGN_OR_RETURN(const auto segments, chat_template->Render(input, tokens));
  return engine::JoinSegments(segments);
}

StatusOr<std::string> RenderCommand::RenderAtServer(Session& session,
                                                    const OrderedJson& input) const {
  if (input.contains("tools") || input.contains("kwargs")) {
    return InvalidArgument("render: wanted messages alone with --server, have tools or kwargs");
  }
  inference::v1::RenderPromptRequest request;
  request.set_model(model_.model);
  request.set_omit_generation_prompt(no_generation_prompt_);
  for (const OrderedJson& message : input.at("messages")) {
    const bool plain = message.is_object() && message.value("role", OrderedJson()).is_string() &&
                       message.value("content", OrderedJson()).is_string();
    if (!plain) return InvalidArgument("messages: wanted a role and a content in each");
    auto* out = request.add_messages();
    out->set_role(message["role"].get<std::string>());
    out->set_content(message["content"].get<std::string>());
  }
  const auto services = session.Connect(model_, Store::kTemporary);
  QUIRE_ASSIGN_OR_RETURN(const auto channel, services->LanguageModel());
  const auto stub = InferenceService::NewStub(channel);
  QUIRE_ASSIGN_OR_RETURN(const auto response,
                         CallUnary(session, *stub, &InferenceService::Stub::RenderPrompt, request));
  return response.text();
}

Status RenderCommand::Run(Session& session) {
  const OrderedJson input = OrderedJson::parse(ReadStdin(), nullptr, /*allow_exceptions=*/false);
  const auto messages = input.is_object() ? input.find("messages") : input.end();
  if (messages == input.end() || !messages->is_array()) {
    return InvalidArgument("stdin: wanted {{\"messages\":[...]}}, have something else");
  }
  const bool remote = session.is_remote() && template_path_.empty();
  QUIRE_ASSIGN_OR_RETURN(const std::string prompt, remote
                                                       ? RenderAtServer(session, input)
                                                       : RenderLocally(input, session.options()));
  Print(prompt);
  return OkStatus();
}

}  // namespace

std::unique_ptr<Command> NewRenderCommand(CLI::App& parent) {
  return std::make_unique<RenderCommand>(parent);
}

}  // namespace quire::services::cli
