#pragma once

#include <CLI/CLI.hpp>
#include <memory>

#include "services/cli/command.h"

// Every command of `quire`. Each declares itself on `parent`, which must outlive it.

namespace quire::services::cli {

std::unique_ptr<Command> NewAskCommand(CLI::App& parent);
std::unique_ptr<Command> NewBenchEngineCommand(CLI::App& parent);
std::unique_ptr<Command> NewChatCommand(CLI::App& parent);
std::unique_ptr<Command> NewCollectionCreateCommand(CLI::App& parent);
std::unique_ptr<Command> NewCollectionLsCommand(CLI::App& parent);
std::unique_ptr<Command> NewCollectionRmCommand(CLI::App& parent);
std::unique_ptr<Command> NewCollectionShowCommand(CLI::App& parent);
std::unique_ptr<Command> NewCompletionCommand(CLI::App& parent);
std::unique_ptr<Command> NewConfigShowCommand(CLI::App& parent);
std::unique_ptr<Command> NewDetokenizeCommand(CLI::App& parent);
std::unique_ptr<Command> NewDocsAddCommand(CLI::App& parent);
std::unique_ptr<Command> NewDocsLsCommand(CLI::App& parent);
std::unique_ptr<Command> NewDocsRmCommand(CLI::App& parent);
std::unique_ptr<Command> NewDocsShowCommand(CLI::App& parent);
std::unique_ptr<Command> NewDocsTextCommand(CLI::App& parent);
std::unique_ptr<Command> NewDoctorCommand(CLI::App& parent);
std::unique_ptr<Command> NewEmbedCommand(CLI::App& parent);
std::unique_ptr<Command> NewGenerateCommand(CLI::App& parent);
std::unique_ptr<Command> NewInspectCommand(CLI::App& parent);
std::unique_ptr<Command> NewModelsLsCommand(CLI::App& parent);
std::unique_ptr<Command> NewModelsPullCommand(CLI::App& parent);
std::unique_ptr<Command> NewModelsRmCommand(CLI::App& parent);
std::unique_ptr<Command> NewModelsShowCommand(CLI::App& parent);
std::unique_ptr<Command> NewPerplexityCommand(CLI::App& parent);
std::unique_ptr<Command> NewQuantizeCommand(CLI::App& parent);
std::unique_ptr<Command> NewRenderCommand(CLI::App& parent);
std::unique_ptr<Command> NewRerankCommand(CLI::App& parent);
std::unique_ptr<Command> NewScoreCommand(CLI::App& parent);
std::unique_ptr<Command> NewSearchCommand(CLI::App& parent);
std::unique_ptr<Command> NewServeCommand(CLI::App& parent);
std::unique_ptr<Command> NewSummarizeCommand(CLI::App& parent);
std::unique_ptr<Command> NewTokenizeCommand(CLI::App& parent);

}  // namespace quire::services::cli
