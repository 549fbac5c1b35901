#include "services/cli/commands/commands.h"
#include "services/cli/json_text.h"
#include "services/cli/session.h"
#include "services/cli/token_codec.h"

namespace quire::services::cli {
namespace {

class TokenizeCommand final : public Command {
 public:
  explicit TokenizeCommand(CLI::App& parent)
      : Command(parent, {.name = "tokenize",
                         .summary = "Texts to token ids: JSON strings in, JSON arrays out, by line",
                         .group = kModelCommands,
                         .examples = "  echo '\"Hello there\"' | quire tokenize --model ./llama"}) {
    AddModelOption(app(), model_);
    app().add_flag("--no-special", no_special_, "Leave out BOS, [CLS] and the like");
  }

  Status Run(Session& session) override {
    QUIRE_ASSIGN_OR_RETURN(const auto codec, TokenCodec::Create(session, model_));
    return ForEachInputLine([&](const std::string& line) -> Status {
      QUIRE_ASSIGN_OR_RETURN(const std::string text, ParseJsonString(line));
      QUIRE_ASSIGN_OR_RETURN(const auto ids, codec->Encode(text, !no_special_));
      Print(JsonArray(ids) + "\n");
      return OkStatus();
    });
  }

 private:
  ModelOptions model_;
  bool no_special_ = false;
};

class DetokenizeCommand final : public Command {
 public:
  explicit DetokenizeCommand(CLI::App& parent)
      : Command(parent, {.name = "detokenize",
                         .summary = "Token ids to texts: JSON arrays in, JSON strings out, by line",
                         .group = kModelCommands,
                         .examples = "  echo '[1,403,407]' | quire detokenize --model ./llama"}) {
    AddModelOption(app(), model_);
    app().add_flag("--keep-special", keep_special_, "Write special tokens out");
  }

  Status Run(Session& session) override {
    QUIRE_ASSIGN_OR_RETURN(const auto codec, TokenCodec::Create(session, model_));
    return ForEachInputLine([&](const std::string& line) -> Status {
      QUIRE_ASSIGN_OR_RETURN(const auto ids, ParseJsonIds(line));
      QUIRE_ASSIGN_OR_RETURN(const std::string text, codec->Decode(ids, keep_special_));
      Print(QuoteJson(text) + "\n");
      return OkStatus();
    });
  }

 private:
  ModelOptions model_;
  bool keep_special_ = false;
};

}  // namespace

std::unique_ptr<Command> NewTokenizeCommand(CLI::App& parent) {
  return std::make_unique<TokenizeCommand>(parent);
}
std::unique_ptr<Command> NewDetokenizeCommand(CLI::App& parent) {
  return std::make_unique<DetokenizeCommand>(parent);
}

}  // namespace quire::services::cli
