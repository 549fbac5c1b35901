#include <fmt/format.h>

#include <cmath>

#include "quire/inference/v1/inference.grpc.pb.h"
#include "services/cli/commands/commands.h"
#include "services/cli/json_text.h"
#include "services/cli/session.h"
#include "services/inference/inference_server.h"

namespace quire::services::cli {
namespace {

using inference::v1::InferenceService;
using inference::v1::ScoredToken;

class ScoreCommand final : public Command {
 public:
  explicit ScoreCommand(CLI::App& parent);
  Status Run(Session& session) override;

 private:
  ModelOptions model_;
  std::string ids_;
  std::int32_t top_ = 0;
};

ScoreCommand::ScoreCommand(CLI::App& parent)
    : Command(parent, {.name = "score",
                       .summary = "Log-probability of each token of a sequence after the first",
                       .group = kModelCommands,
                       .examples = "  quire score --model ./llama --ids 1,403,407 --top 5"}) {
  AddModelOption(app(), model_);
  app()
      .add_option("--ids", ids_, "The sequence, at least two token ids")
      ->type_name("1,2,3")
      ->required();
  app().add_option("--top", top_, "The n most likely tokens at each position, 0 to 20");
  AddDeviceOptions(app(), model_);
  AddQuantizeOption(app(), model_.quantize);
  AddCacheOptions(app(), model_);
}

std::string Number(float value) { return std::isfinite(value) ? fmt::format("{}", value) : "null"; }

std::string FormatScoredToken(const ScoredToken& token) {
  std::string top;
  for (const auto& entry : token.top()) {
    if (!top.empty()) top += ',';
    top += fmt::format("[{},{}]", entry.id(), Number(entry.logprob()));
  }
  return fmt::format("{{\"id\":{},\"logprob\":{},\"top\":[{}]}}", token.token().id(),
                     Number(token.token().logprob()), top);
}

Status ScoreCommand::Run(Session& session) {
  inference::v1::ScoreRequest request;
  QUIRE_ASSIGN_OR_RETURN(const std::vector<std::int32_t> ids, ParseIdList(ids_));
  request.mutable_ids()->Assign(ids.begin(), ids.end());
  request.set_top(top_);
  const auto services = session.Connect(model_, Store::kTemporary);
  request.set_model(services->language_model_name());
  QUIRE_ASSIGN_OR_RETURN(const auto channel, services->LanguageModel());
  const auto stub = InferenceService::NewStub(channel);
  QUIRE_ASSIGN_OR_RETURN(const auto response,
                         CallUnary(session, *stub, &InferenceService::Stub::Score, request));
  for (const ScoredToken& token : response.tokens()) Print(FormatScoredToken(token) + "\n");
  return OkStatus();
}

}  // namespace

std::unique_ptr<Command> NewScoreCommand(CLI::App& parent) {
  return std::make_unique<ScoreCommand>(parent);
}

}  // namespace quire::services::cli
