#pragma once

#include <CLI/CLI.hpp>
#include <memory>
#include <vector>

#include "services/cli/command.h"
#include "services/cli/global_options.h"

namespace quire::services::cli {

// The whole command line of `quire`: global options and every command.
class CommandLine {
 public:
  CommandLine();
  CommandLine(const CommandLine&) = delete;
  CommandLine& operator=(const CommandLine&) = delete;

  CLI::App& app() { return app_; }
  const GlobalOptions& options() const { return options_; }
  // The command that was given. Requires: app() has parsed without error.
  Command& selected() const;

 private:
  void AddModelCommands();
  void AddDocumentCommands();
  void AddOperationCommands();

  CLI::App app_;
  GlobalOptions options_;
  std::vector<std::unique_ptr<Command>> commands_;
};

}  // namespace quire::services::cli
