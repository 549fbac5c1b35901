#include "services/cli/answer_task.h"
#include "services/cli/commands/commands.h"
#include "services/cli/json_text.h"

namespace quire::services::cli {
namespace {

using orchestrator::v1::AnswerService;
using orchestrator::v1::Sources;
using orchestrator::v1::Strategy;

// The model's name for requests: at a server the one that was asked for.
std::string RequestedModel(const Session& session, const AnswerOptions& options) {
  return session.is_remote() ? options.model.model : "";
}

class AskCommand final : public Command {
 public:
  explicit AskCommand(CLI::App& parent)
      : Command(parent, {.name = "ask",
                         .summary = "Answer a question from documents, with sources",
                         .group = kDocumentCommands,
                         .examples = "  quire ask 'Who may sign?' contract.md\n"
                                     "  quire ask 'Who may sign?' --collection contracts --json"}) {
    app().add_option("QUESTION", question_, "The question; - reads it from stdin")->required();
    AddAnswerOptions(app(), options_);
  }

  Status Run(Session& session) override {
    orchestrator::v1::AskRequest request;
    request.set_question(question_ == "-" ? ReadStdin() : question_);
    *request.mutable_options() = ToStrategyOptions(options_);
    request.set_model(RequestedModel(session, options_));
    AnswerTask task(session, options_, /*auto_searches=*/true);
    return task.Execute([&](AnswerService::Stub& stub, const Sources& sources, Strategy strategy,
                            AnswerPrinter& printer) {
      *request.mutable_sources() = sources;
      request.set_strategy(strategy);
      Call call(session);
      return PrintEvents(call, *stub.StreamAsk(call.context(), request), printer);
    });
  }

 private:
  std::string question_;
  AnswerOptions options_;
};

class SummarizeCommand final : public Command {
 public:
  explicit SummarizeCommand(CLI::App& parent)
      : Command(parent, {.name = "summarize",
                         .summary = "Summarize documents, with sources",
                         .group = kDocumentCommands,
                         .examples = "  quire summarize report.md\n"
                                     "  quire summarize --collection reports --focus costs"}) {
    AddAnswerOptions(app(), options_);
    app().add_option("--focus", focus_, "What the summary should turn on")->type_name("TEXT");
  }

  Status Run(Session& session) override {
    orchestrator::v1::SummarizeRequest request;
    request.set_focus(focus_);
    *request.mutable_options() = ToStrategyOptions(options_);
    request.set_model(RequestedModel(session, options_));
    AnswerTask task(session, options_, /*auto_searches=*/false);
    return task.Execute([&](AnswerService::Stub& stub, const Sources& sources, Strategy strategy,
                            AnswerPrinter& printer) {
      *request.mutable_sources() = sources;
      request.set_strategy(strategy);
      Call call(session);
      return PrintEvents(call, *stub.StreamSummarize(call.context(), request), printer);
    });
  }

 private:
  std::string focus_;
  AnswerOptions options_;
};

}  // namespace

std::unique_ptr<Command> NewAskCommand(CLI::App& parent) {
  return std::make_unique<AskCommand>(parent);
}
std::unique_ptr<Command> NewSummarizeCommand(CLI::App& parent) {
  return std::make_unique<SummarizeCommand>(parent);
}

}  // namespace quire::services::cli
