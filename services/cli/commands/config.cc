#include "services/server/config.h"

#include <map>

#include "services/cli/commands/commands.h"
#include "services/cli/session.h"

namespace quire::services::cli {
namespace {

// An option's value and where it came from -> the commands that see it so.
using Variants = std::map<std::pair<std::string, std::string>, std::vector<std::string>>;

void Collect(const CLI::App& app, const std::string& path,
             std::map<std::string, Variants>& settings) {
  for (const OptionOrigin& origin : Origins(app)) {
    settings[origin.option][{origin.value, origin.origin}].push_back(path);
  }
  for (const CLI::App* subcommand : app.get_subcommands([](const CLI::App*) { return true; })) {
    const std::string below =
        path.empty() ? subcommand->get_name() : path + " " + subcommand->get_name();
    Collect(*subcommand, below, settings);
  }
}

class ConfigShowCommand final : public Command {
 public:
  explicit ConfigShowCommand(CLI::App& parent)
      : Command(parent, {.name = "show",
                         .summary = "Every setting and its value",
                         .group = "",
                         .examples = "  quire config show --origin\n"
                                     "  QUIRE_MODEL=./llama quire config show --set --origin"}) {
    app().add_flag("--origin", origin_, "Name the source of each value")->configurable(false);
    app().add_flag("--set", set_, "Only what is not a default")->configurable(false);
  }

  Status Run(Session&) override {
    std::map<std::string, Variants> settings;
    Collect(*app().get_parent()->get_parent(), "", settings);
    for (const auto& [option, variants] : settings) {
      for (const auto& [value, commands] : variants) {
        if (set_ && value.second == "default") continue;
        Print(option.substr(2) + " = " + value.first);
        // Which commands only matters where they do not agree.
        if (variants.size() > 1) Print(fmt::format("  ({})", fmt::join(commands, ", ")));
        Print(origin_ ? "  # " + value.second + "\n" : "\n");
      }
    }
    return OkStatus();
  }

 private:
  bool origin_ = false;
  bool set_ = false;
};

}  // namespace

std::unique_ptr<Command> NewConfigShowCommand(CLI::App& parent) {
  return std::make_unique<ConfigShowCommand>(parent);
}

}  // namespace quire::services::cli
