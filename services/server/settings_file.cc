#include "services/server/settings_file.h"

#include <yaml-cpp/yaml.h>

#include <algorithm>
#include <utility>

namespace quire::services {
namespace {

// Program, subcommand, its subcommand, a list of values.
constexpr int kMaxDepth = 8;

Status At(const std::string& path, const YAML::Mark& mark, std::string_view what) {
  return InvalidArgument("{}:{}: {}", path, mark.line + 1, what);
}

Status ReadValues(const YAML::Node& node, const std::string& path, Setting& setting) {
  if (node.IsScalar()) {
    setting.values.push_back(node.Scalar());
    return OkStatus();
  }
  for (const YAML::Node& element : node) {
    if (!element.IsScalar()) {
      return At(path, element.Mark(), "'" + setting.key + "': wanted a list of plain values");
    }
    setting.values.push_back(element.Scalar());
  }
  return OkStatus();
}

Status ReadSection(const YAML::Node& node, const std::string& path, int depth, Setting& section) {
  if (depth > kMaxDepth) return At(path, node.Mark(), "sections nest too deep");
  section.is_section = true;
  for (const auto& pair : node) {
    if (!pair.first.IsScalar()) return At(path, pair.first.Mark(), "wanted a name as key");
    Setting entry;
    entry.key = pair.first.Scalar();
    std::replace(entry.key.begin(), entry.key.end(), '_', '-');
    entry.line = pair.first.Mark().line + 1;
    if (section.Find(entry.key) != nullptr) {
      return At(path, pair.first.Mark(), "'" + entry.key + "' is there twice");
    }
    if (pair.second.IsNull()) {
      return At(path, pair.first.Mark(), "'" + entry.key + "' has no value");
    }
    QUIRE_RETURN_IF_ERROR(pair.second.IsMap() ? ReadSection(pair.second, path, depth + 1, entry)
                                              : ReadValues(pair.second, path, entry));
    section.entries.push_back(std::move(entry));
  }
  return OkStatus();
}

}  // namespace

const Setting* Setting::Find(std::string_view wanted) const {
  const auto found = std::find_if(entries.begin(), entries.end(),
                                  [&](const Setting& entry) { return entry.key == wanted; });
  return found == entries.end() ? nullptr : &*found;
}

StatusOr<Setting> ParseSettings(const std::string& yaml, const std::string& path) {
  try {
    const YAML::Node root = YAML::Load(yaml);
    Setting settings;
    settings.is_section = true;
    if (root.IsNull()) return settings;
    if (!root.IsMap()) return At(path, root.Mark(), "wanted lines of the form 'key: value'");
    QUIRE_RETURN_IF_ERROR(ReadSection(root, path, /*depth=*/1, settings));
    return settings;
  } catch (const YAML::Exception& error) {
    return At(path, error.mark, error.msg);
  }
}

}  // namespace quire::services
