#include "services/cli/command.h"

#include <string>

namespace quire::services::cli {
namespace {

CLI::App& Declare(CLI::App& parent, const CommandSpec& spec) {
  CLI::App* app = parent.add_subcommand(spec.name, spec.summary);
  if (*spec.group != '\0') app->group(spec.group);
  app->footer(std::string("Example:\n") + spec.examples);
  return *app;
}

}  // namespace

Command::Command(CLI::App& parent, const CommandSpec& spec) : app_(Declare(parent, spec)) {}

CLI::App& AddCommandGroup(CLI::App& app, const CommandSpec& spec) {
  CLI::App& group = Declare(app, spec);
  group.require_subcommand(1);
  return group;
}

}  // namespace quire::services::cli
