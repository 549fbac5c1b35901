#include "services/cli/command_line.h"

#include <algorithm>

#include "base/check.h"
#include "services/cli/commands/commands.h"

namespace quire::services::cli {

CommandLine::CommandLine() : app_("Answers questions over long documents, with sources.", "quire") {
  // Global options may follow the command. One command at most, so that what comes after its name
  // is never taken for another.
  app_.fallthrough();
  app_.require_subcommand(1);
  app_.footer(
      "Example:\n"
      "  quire ask 'What is the notice period?' contract.md --model ./llama\n"
      "\n"
      "Settings: flag, then QUIRE_* environment, --config or ./quire.yaml, user file, default.\n"
      "Exit codes: 0 ok; 1 no answer (--fail-on-no-answer); 2 usage; 3 not found; 4 unavailable; "
      "5 auth; 6 bad input file; 130 interrupted.");
  AddGlobalOptions(app_, options_);
  AddDocumentCommands();
  AddModelCommands();
  AddOperationCommands();
  EnableConfiguration(app_);
}

void CommandLine::AddDocumentCommands() {
  commands_.push_back(NewAskCommand(app_));
  commands_.push_back(NewSummarizeCommand(app_));
  commands_.push_back(NewSearchCommand(app_));
  CLI::App& collection = AddCommandGroup(
      app_, {.name = "collection",
             .summary = "Make, list, show and delete collections",
             .group = kDocumentCommands,
             .examples = "  quire collection create handbook --embedding-model ./minilm"});
  commands_.push_back(NewCollectionCreateCommand(collection));
  commands_.push_back(NewCollectionLsCommand(collection));
  commands_.push_back(NewCollectionShowCommand(collection));
  commands_.push_back(NewCollectionRmCommand(collection));
  CLI::App& docs = AddCommandGroup(
      app_, {.name = "docs",
             .summary = "Add, list, show, read and delete documents",
             .group = kDocumentCommands,
             .examples = "  quire docs add --collection handbook chapter1.md chapter2.md"});
  commands_.push_back(NewDocsAddCommand(docs));
  commands_.push_back(NewDocsLsCommand(docs));
  commands_.push_back(NewDocsShowCommand(docs));
  commands_.push_back(NewDocsTextCommand(docs));
  commands_.push_back(NewDocsRmCommand(docs));
  commands_.push_back(NewServeCommand(app_));
}

void CommandLine::AddModelCommands() {
  commands_.push_back(NewGenerateCommand(app_));
  commands_.push_back(NewChatCommand(app_));
  commands_.push_back(NewTokenizeCommand(app_));
  commands_.push_back(NewDetokenizeCommand(app_));
  commands_.push_back(NewRenderCommand(app_));
  commands_.push_back(NewScoreCommand(app_));
  commands_.push_back(NewPerplexityCommand(app_));
  commands_.push_back(NewEmbedCommand(app_));
  commands_.push_back(NewRerankCommand(app_));
  commands_.push_back(NewQuantizeCommand(app_));
  CLI::App& models = AddCommandGroup(app_, {.name = "models",
                                            .summary = "List, show, download and remove models",
                                            .group = kModelCommands,
                                            .examples = "  quire models ls"});
  commands_.push_back(NewModelsLsCommand(models));
  commands_.push_back(NewModelsShowCommand(models));
  commands_.push_back(NewModelsPullCommand(models));
  commands_.push_back(NewModelsRmCommand(models));
  commands_.push_back(NewInspectCommand(app_));
}

void CommandLine::AddOperationCommands() {
  CLI::App& bench = AddCommandGroup(
      app_, {.name = "bench",
             .summary = "Measure this machine",
             .group = kOperationCommands,
             .examples = "  quire bench engine --shape tinyllama-1.1b --prompt-tokens 256 "
                         "--new-tokens 32"});
  commands_.push_back(NewBenchEngineCommand(bench));
  commands_.push_back(NewDoctorCommand(app_));
  CLI::App& config = AddCommandGroup(app_, {.name = "config",
                                            .summary = "Settings and where they come from",
                                            .group = kOperationCommands,
                                            .examples = "  quire config show --origin"});
  commands_.push_back(NewConfigShowCommand(config));
  commands_.push_back(NewCompletionCommand(app_));
}

Command& CommandLine::selected() const {
  const CLI::App* leaf = &app_;
  while (!leaf->get_subcommands().empty()) leaf = leaf->get_subcommands().back();
  const auto found = std::find_if(commands_.begin(), commands_.end(),
                                  [&](const auto& command) { return &command->app() == leaf; });
  QUIRE_CHECK(found != commands_.end());
  return **found;
}

}  // namespace quire::services::cli
