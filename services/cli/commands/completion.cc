#include "services/cli/completion.h"

#include "services/cli/commands/commands.h"
#include "services/cli/session.h"

namespace quire::services::cli {
namespace {

class CompletionCommand final : public Command {
 public:
  explicit CompletionCommand(CLI::App& parent)
      : Command(parent, {.name = "completion",
                         .summary = "A script that completes commands in a shell",
                         .group = kOperationCommands,
                         .examples = "  source <(quire completion bash)\n"
                                     "  quire completion fish | source"}) {
    app()
        .add_option("SHELL", shell_, "The shell")
        ->required()
        ->check(CLI::IsMember({"bash", "zsh", "fish"}));
  }

  Status Run(Session&) override {
    const CLI::App& root = *app().get_parent();
    Print(shell_ == "bash"  ? BashCompletion(root)
          : shell_ == "zsh" ? ZshCompletion(root)
                            : FishCompletion(root));
    return OkStatus();
  }

 private:
  std::string shell_;
};

}  // namespace

std::unique_ptr<Command> NewCompletionCommand(CLI::App& parent) {
  return std::make_unique<CompletionCommand>(parent);
}

}  // namespace quire::services::cli
