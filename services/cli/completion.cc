#include "services/cli/completion.h"

#include <fmt/format.h>

#include <string_view>
#include <vector>

namespace quire::services::cli {
namespace {

constexpr char kCollections[] = "$(quire collection ls 2>/dev/null | cut -f1)";
constexpr char kModels[] = "$(quire models ls 2>/dev/null | cut -f1)";

std::vector<const CLI::App*> Subcommands(const CLI::App& app) {
  return app.get_subcommands([](const CLI::App*) { return true; });
}

std::vector<const CLI::Option*> NamedOptions(const CLI::App& app) {
  return app.get_options([](const CLI::Option* option) { return option->nonpositional(); });
}

// Options that may follow the command: its own and those of the commands around it.
std::vector<const CLI::Option*> ReachableOptions(const CLI::App& app) {
  std::vector<const CLI::Option*> options;
  for (const CLI::App* at = &app; at != nullptr; at = at->get_parent()) {
    for (const CLI::Option* option : NamedOptions(*at)) options.push_back(option);
  }
  return options;
}

// "quire docs add"
std::string CommandPath(const CLI::App& app) {
  if (app.get_parent() == nullptr) return app.get_name();
  return CommandPath(*app.get_parent()) + " " + app.get_name();
}

// Every command below `app`, and `app` itself.
void CollectCommands(const CLI::App& app, std::vector<const CLI::App*>& commands) {
  commands.push_back(&app);
  for (const CLI::App* subcommand : Subcommands(app)) CollectCommands(*subcommand, commands);
}

std::vector<const CLI::App*> AllCommands(const CLI::App& root) {
  std::vector<const CLI::App*> commands;
  CollectCommands(root, commands);
  return commands;
}

std::string FlagList(const CLI::Option& option, std::string_view separator) {
  std::vector<std::string> flags;
  for (const std::string& name : option.get_snames()) flags.push_back("-" + name);
  for (const std::string& name : option.get_lnames()) flags.push_back("--" + name);
  return fmt::format("{}", fmt::join(flags, separator));
}

bool TakesValue(const CLI::Option& option) { return option.get_items_expected_max() > 0; }

// The words that an option's value can be, as shell text; empty if it is free or a file. CLI11
// writes the choices of a value into its type: "TEXT:{auto,always,never}".
std::string ValueWords(const CLI::Option& option) {
  const std::string type = option.get_type_name();
  if (type == "COLLECTION") return kCollections;
  if (type == "MODEL") return kModels;
  const std::size_t open = type.find('{');
  const std::size_t close = type.find('}', open);
  if (open == std::string::npos || close == std::string::npos) return "";
  std::string words;
  std::string_view choices = std::string_view(type).substr(open + 1, close - open - 1);
  while (!choices.empty()) {
    const std::size_t comma = choices.find(',');
    // A transformer shows "name->value".
    const std::string_view choice = choices.substr(0, comma);
    words += words.empty() ? "" : " ";
    words += choice.substr(0, choice.find("->"));
    choices.remove_prefix(comma == std::string_view::npos ? choices.size() : comma + 1);
  }
  return words;
}

std::string SubcommandWords(const CLI::App& app) {
  std::string words;
  for (const CLI::App* subcommand : Subcommands(app)) {
    words += (words.empty() ? "" : " ") + subcommand->get_name();
  }
  return words;
}

std::string OptionWords(const CLI::App& app) {
  std::string words;
  for (const CLI::Option* option : ReachableOptions(app)) {
    words += (words.empty() ? "" : " ") + FlagList(*option, " ");
  }
  return words;
}

// `case` branches that extend the command path by a word that names a subcommand.
std::string PathCases(const CLI::App& root) {
  std::string cases;
  for (const CLI::App* command : AllCommands(root)) {
    if (command->get_parent() != nullptr) {
      cases += (cases.empty() ? "" : "|") + fmt::format("'{}'", CommandPath(*command));
    }
  }
  return cases;
}

// One branch per command for what bash and zsh share: `words` of the command, its `options`, and
// the `values` of the option before the cursor.
std::string CommandCases(const CLI::App& root) {
  std::string cases;
  for (const CLI::App* command : AllCommands(root)) {
    cases += fmt::format(
        "    '{}')\n      commands=\"{}\"\n      options=\"{}\"\n      case \"$previous\" in\n",
        CommandPath(*command), SubcommandWords(*command), OptionWords(*command));
    for (const CLI::Option* option : ReachableOptions(*command)) {
      if (!TakesValue(*option)) continue;
      cases += fmt::format("        {}) takes_value=1 values=\"{}\" ;;\n", FlagList(*option, "|"),
                           ValueWords(*option));
    }
    cases += "      esac\n      ;;\n";
  }
  return cases;
}

std::string EscapeFish(std::string_view text) {
  std::string escaped;
  for (const char c : text) {
    if (c == '\'' || c == '\\') escaped += '\\';
    escaped += c;
  }
  return escaped;
}

std::string FishOption(const CLI::Option& option) {
  std::string line;
  for (const std::string& name : option.get_snames()) line += " -s " + name;
  for (const std::string& name : option.get_lnames()) line += " -l " + name;
  line += " -d '" + EscapeFish(option.get_description()) + "'";
  if (!TakesValue(option)) return line;
  const std::string values = ValueWords(option);
  if (values.empty()) return line + " -r";
  // Command substitution is "(...)" in fish.
  const std::string words = values.front() == '$' ? values.substr(1) : values;
  return line + fmt::format(" -x -a '{}'", words);
}

}  // namespace

std::string BashCompletion(const CLI::App& root) {
  return fmt::format(R"(# bash completion of quire. Load it with: source <(quire completion bash)
_quire() {{
  local current="${{COMP_WORDS[COMP_CWORD]}}" previous="${{COMP_WORDS[COMP_CWORD-1]}}"
  local command=quire word commands= options= values= takes_value=
  for word in "${{COMP_WORDS[@]:1:COMP_CWORD-1}}"; do
    case "$command $word" in
      {}) command="$command $word" ;;
    esac
  done
  case "$command" in
{}  esac
  if [ -n "$takes_value" ]; then
    COMPREPLY=($(compgen -W "$values" -- "$current"))
  elif [[ "$current" == -* ]]; then
    COMPREPLY=($(compgen -W "$options" -- "$current"))
  else
    COMPREPLY=($(compgen -W "$commands" -- "$current"))
  fi
}}
complete -o default -F _quire quire
)",
                     PathCases(root), CommandCases(root));
}

std::string ZshCompletion(const CLI::App& root) {
  return fmt::format(R"(#compdef quire
# zsh completion of quire. Load it with: source <(quire completion zsh)
_quire() {{
  local current="${{words[CURRENT]}}" previous="${{words[CURRENT-1]}}"
  local command=quire word commands= options= values= takes_value=
  for word in "${{(@)words[2,CURRENT-1]}}"; do
    case "$command $word" in
      {}) command="$command $word" ;;
    esac
  done
  case "$command" in
{}  esac
  if [[ -n "$takes_value" ]]; then
    [[ -n "$values" ]] && compadd -- ${{=values}}
    _files
  elif [[ "$current" == -* ]]; then
    compadd -- ${{=options}}
  elif [[ -n "$commands" ]]; then
    compadd -- ${{=commands}}
  else
    _files
  fi
}}
compdef _quire quire
)",
                     PathCases(root), CommandCases(root));
}

std::string FishCompletion(const CLI::App& root) {
  std::string script = fmt::format(
      R"(# fish completion of quire. Load it with: quire completion fish | source
function __quire_command
  set -l command quire
  for word in (commandline -opc)[2..-1]
    switch "$command $word"
      case {}
        set command "$command $word"
    end
  end
  echo $command
end
function __quire_at
  test (__quire_command) = "$argv[1]"
end
)",
      [&] {
        std::string cases = PathCases(root);
        for (char& c : cases) c = c == '|' ? ' ' : c;
        return cases;
      }());
  for (const CLI::App* command : AllCommands(root)) {
    const std::string condition =
        fmt::format("complete -c quire -n '__quire_at \"{}\"'", CommandPath(*command));
    for (const CLI::App* subcommand : Subcommands(*command)) {
      script += fmt::format("{} -f -a {} -d '{}'\n", condition, subcommand->get_name(),
                            EscapeFish(subcommand->get_description()));
    }
    for (const CLI::Option* option : ReachableOptions(*command)) {
      script += condition + FishOption(*option) + "\n";
    }
  }
  return script;
}

}  // namespace quire::services::cli
