#pragma once

#include <CLI/CLI.hpp>

#include "base/status.h"

namespace quire::services::cli {

class Session;

inline constexpr char kModelCommands[] = "Models";
inline constexpr char kDocumentCommands[] = "Documents and answers";
inline constexpr char kOperationCommands[] = "Running it";

struct CommandSpec {
  const char* name;
  const char* summary;
  const char* group;  // heading in the list of commands; "" below a command that groups others
  const char* examples;
};

// One command of `quire`: its options, declared by the constructor, and what it does.
// Implementations: one per file in commands/.
class Command {
 public:
  virtual ~Command() = default;
  Command(const Command&) = delete;
  Command& operator=(const Command&) = delete;

  // Does it, after parsing. Results go to stdout, everything else to stderr.
  virtual Status Run(Session& session) = 0;

  // Ctrl-C and SIGTERM are the command's own business.
  virtual bool handles_signals() const { return false; }
  // What is logged where --log-level does not say.
  virtual const char* default_log_level() const { return "warn"; }
  CLI::App& app() const { return app_; }

 protected:
  Command(CLI::App& parent, const CommandSpec& spec);

 private:
  CLI::App& app_;  // owned by the parent
};

// Declares a command that only groups others ("docs").
CLI::App& AddCommandGroup(CLI::App& app, const CommandSpec& spec);

}  // namespace quire::services::cli
