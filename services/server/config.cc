#include "services/server/config.h"

#include <algorithm>
#include <array>
#include <cctype>
#include <cstdlib>
#include <filesystem>
#include <memory>
#include <optional>
#include <span>
#include <utility>

#include "base/mapped_file.h"
#include "services/server/settings_file.h"

namespace quire::services {
namespace {

// Sections of a shared settings file; each program reads its own and passes over the others.
constexpr std::array<std::string_view, 4> kPrograms = {"quire", "quire-inference",
                                                       "quire-retrieval", "quire-orchestrator"};
constexpr std::size_t kMaxFileBytes = 1 << 20;

struct SettingsFile {
  std::string path;
  Setting root;
};

struct FileValue {
  std::vector<std::string> values;
  std::string path;
};

const CLI::App& Root(const CLI::App& app) {
  const CLI::App* root = &app;
  while (root->get_parent() != nullptr) root = root->get_parent();
  return *root;
}

// Names of the subcommands from below the program to `app`.
std::vector<std::string> SubcommandPath(const CLI::App& app) {
  std::vector<std::string> path;
  for (const CLI::App* at = &app; at->get_parent() != nullptr; at = at->get_parent()) {
    path.push_back(at->get_name());
  }
  std::reverse(path.begin(), path.end());
  return path;
}

// "kv-cache-bytes" for an option that settings may name, or "".
std::string SettingName(const CLI::Option& option) {
  if (!option.get_configurable() || option.get_lnames().empty()) return "";
  return option.get_lnames().front();
}

std::vector<const CLI::Option*> ConfigurableOptions(const CLI::App& app) {
  return app.get_options([](const CLI::Option* option) { return !SettingName(*option).empty(); });
}

bool Inherits(const CLI::App& app, std::string_view key) {
  const auto options = ConfigurableOptions(app);
  if (std::any_of(options.begin(), options.end(),
                  [&](const CLI::Option* option) { return SettingName(*option) == key; })) {
    return true;
  }
  const auto subcommands = app.get_subcommands([](const CLI::App*) { return true; });
  return std::any_of(subcommands.begin(), subcommands.end(),
                     [&](const CLI::App* subcommand) { return Inherits(*subcommand, key); });
}

bool IsProgram(std::string_view key) {
  return std::find(kPrograms.begin(), kPrograms.end(), key) != kPrograms.end();
}

// The app whose settings the section `key` of `app`'s section holds, or null.
const CLI::App* FindSection(const CLI::App& app, const std::string& key) {
  if (app.get_parent() == nullptr && key == app.get_name()) return &app;
  const auto subcommands = app.get_subcommands(
      [&](const CLI::App* subcommand) { return subcommand->get_name() == key; });
  return subcommands.empty() ? nullptr : subcommands.front();
}

// Returns INVALID_ARGUMENT for the first key that nothing in `app` knows.
Status CheckKeys(const Setting& section, const CLI::App& app, const std::string& path) {
  for (const Setting& entry : section.entries) {
    const CLI::App* inner = entry.is_section ? FindSection(app, entry.key) : nullptr;
    if (inner != nullptr) {
      QUIRE_RETURN_IF_ERROR(CheckKeys(entry, *inner, path));
      continue;
    }
    const bool is_other_program = entry.is_section && IsProgram(entry.key);
    if (is_other_program || (!entry.is_section && Inherits(app, entry.key))) continue;
    return InvalidArgument(
        "{}:{}: unknown key '{}': {} has no such {}; settings of another program go below its "
        "name",
        path, entry.line, entry.key, app.get_name(), entry.is_section ? "section" : "option");
  }
  return OkStatus();
}

// The most specific value for `key` of the subcommand at `path`: a deeper section wins, and of two
// equally deep ones that below the program's name.
const Setting* FindSetting(const Setting& root, const std::string& program,
                           std::span<const std::string> path, const std::string& key) {
  for (std::size_t depth = path.size() + 1; depth-- > 0;) {
    for (const Setting* section : {root.Find(program), &root}) {
      for (std::size_t i = 0; section != nullptr && i < depth; ++i)
        section = section->Find(path[i]);
      const Setting* setting = section == nullptr ? nullptr : section->Find(key);
      if (setting != nullptr && !setting->is_section) return setting;
    }
  }
  return nullptr;
}

std::optional<FileValue> FindValue(const std::vector<SettingsFile>& files, const CLI::App& app,
                                   const CLI::Option& option) {
  const std::vector<std::string> path = SubcommandPath(app);
  for (const SettingsFile& file : files) {
    const Setting* setting =
        FindSetting(file.root, Root(app).get_name(), path, SettingName(option));
    if (setting != nullptr) return FileValue{setting->values, file.path};
  }
  return std::nullopt;
}

std::string UserFile() {
  const char* config_home = std::getenv("XDG_CONFIG_HOME");
  if (config_home != nullptr && *config_home != '\0') {
    return std::string(config_home) + "/quire/config.yaml";
  }
  const char* home = std::getenv("HOME");
  return home == nullptr ? "" : std::string(home) + "/.config/quire/config.yaml";
}

bool Exists(const std::string& path) {
  std::error_code ignored;
  return !path.empty() && std::filesystem::exists(path, ignored);
}

// The file read when --config is not given, or "".
std::string DefaultFile() {
  constexpr char kProjectFile[] = "./quire.yaml";
  if (Exists(kProjectFile)) return kProjectFile;
  return Exists(UserFile()) ? UserFile() : "";
}

// The settings files of `root`, highest precedence first.
StatusOr<std::vector<SettingsFile>> ReadFiles(const CLI::App& root) {
  std::vector<std::string> paths;
  if (root.get_config_ptr() != nullptr) paths.push_back(root.get_config_ptr()->as<std::string>());
  if (const std::string user = UserFile(); paths.empty() || paths.front() != user) {
    if (Exists(user)) paths.push_back(user);
  }
  std::vector<SettingsFile> files;
  for (const std::string& path : paths) {
    if (path.empty()) continue;
    QUIRE_ASSIGN_OR_RETURN(const std::string text, ReadFile(path, kMaxFileBytes));
    QUIRE_ASSIGN_OR_RETURN(Setting settings, ParseSettings(text, path));
    QUIRE_RETURN_IF_ERROR(CheckKeys(settings, root, path));
    files.push_back({path, std::move(settings)});
  }
  return files;
}

std::string EnvironmentName(const CLI::Option& option) {
  std::string name = "QUIRE_" + SettingName(option);
  for (char& c : name) c = c == '-' ? '_' : static_cast<char>(std::toupper(c));
  return name;
}

std::string EnvironmentValue(const CLI::Option& option) {
  const char* value = std::getenv(EnvironmentName(option).c_str());
  return value == nullptr ? "" : value;
}

// Hands CLI11 the values that neither flag nor environment gives, for the program and the
// subcommand that was chosen. CLI11 itself would let a file win over the environment.
class SettingsReader final : public CLI::Config {
 public:
  explicit SettingsReader(const CLI::App& root) : root_(root) {}

  std::string to_config(const CLI::App*, bool, bool, std::string) const override { return ""; }

  // Reads the files anew: the stream does not say which file it is.
  std::vector<CLI::ConfigItem> from_config(std::istream&) const override {
    const auto files = ReadFiles(root_);
    if (!files.ok()) throw CLI::ConfigError(std::string(Message(files.status())));
    std::vector<CLI::ConfigItem> values;
    Collect(*files, root_, values);
    return values;
  }

 private:
  static void Collect(const std::vector<SettingsFile>& files, const CLI::App& app,
                      std::vector<CLI::ConfigItem>& items) {
    for (const CLI::Option* option : ConfigurableOptions(app)) {
      if (option->count() > 0 || !EnvironmentValue(*option).empty()) continue;
      if (const auto value = FindValue(files, app, *option)) {
        items.push_back({SubcommandPath(app), SettingName(*option), value->values});
      }
    }
    for (const CLI::App* subcommand : app.get_subcommands()) Collect(files, *subcommand, items);
  }

  const CLI::App& root_;
};

void NameEnvironment(CLI::App& app) {
  for (const CLI::Option* option : ConfigurableOptions(app)) {
    app.get_option("--" + SettingName(*option))->envname(EnvironmentName(*option));
  }
}

// A subcommand gets its environment when it is chosen, so that the variables of the others, which
// may be bound to the same settings, stay out of it.
void NameEnvironmentOfSubcommands(CLI::App& app) {
  for (CLI::App* subcommand : app.get_subcommands([](CLI::App*) { return true; })) {
    subcommand->preparse_callback([subcommand](std::size_t) { NameEnvironment(*subcommand); });
    NameEnvironmentOfSubcommands(*subcommand);
  }
}

OptionOrigin Origin(const std::vector<SettingsFile>& files, const CLI::App& app,
                    const CLI::Option& option) {
  OptionOrigin origin{.option = "--" + SettingName(option), .value = "", .origin = "default"};
  const std::string given = CLI::detail::join(option.results(), ",");
  const std::string environment = EnvironmentValue(option);
  const auto from_file = FindValue(files, app, option);
  if (!environment.empty() && (option.count() == 0 || given == environment)) {
    origin.value = environment;
    origin.origin = "environment " + EnvironmentName(option);
  } else if (environment.empty() && from_file &&
             (option.count() == 0 || option.results() == from_file->values)) {
    origin.value = CLI::detail::join(from_file->values, ",");
    origin.origin = from_file->path;
  } else if (option.count() > 0) {
    origin.value = given;
    origin.origin = "flag";
  } else {
    origin.value = option.get_default_str();
  }
  return origin;
}

}  // namespace

void EnableConfiguration(CLI::App& app) {
  app.set_config("--config", DefaultFile(), "Read settings from this YAML file")->type_name("PATH");
  app.config_formatter(std::make_shared<SettingsReader>(app));
  NameEnvironment(app);
  NameEnvironmentOfSubcommands(app);
}

std::vector<OptionOrigin> Origins(const CLI::App& app) {
  const auto files = ReadFiles(Root(app));
  std::vector<OptionOrigin> origins;
  for (const CLI::Option* option : ConfigurableOptions(app)) {
    origins.push_back(Origin(files.value_or(std::vector<SettingsFile>()), app, *option));
  }
  return origins;
}

void AddServerOptions(CLI::App& app, ServerOptions& options) {
  app.add_option("--host", options.host, "Address to listen on")->capture_default_str();
  app.add_option("--port", options.port, "Port to listen on; 0 takes a free one")
      ->check(CLI::Range(0, 65535))
      ->capture_default_str();
  app.add_option("--admin-port", options.admin_port,
                 "Port for health and reflection; without it the main port serves them")
      ->check(CLI::Range(-1, 65535));
  app.add_option_function<std::int64_t>(
         "--drain-timeout",
         [&options](const std::int64_t& seconds) {
           options.drain_timeout = std::chrono::seconds(seconds);
         },
         "Seconds that running calls get to finish after SIGTERM")
      ->check(CLI::Range(0, 3600))
      ->default_str(std::to_string(options.drain_timeout.count()));
  app.add_option("--max-threads", options.max_threads, "Calls served at once")
      ->check(CLI::Range(1, 4096))
      ->capture_default_str();
}

void AddLogOptions(CLI::App& app, LogOptions& options) {
  app.add_option("--log-level", options.level, "Least severe messages to log")
      ->check(CLI::IsMember({"debug", "info", "warn", "error", "off"}))
      ->capture_default_str();
  app.add_option("--log-format", options.format, "Form of the log lines")
      ->check(CLI::IsMember({"text", "json"}))
      ->capture_default_str();
}

}  // namespace quire::services
