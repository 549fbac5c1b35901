#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/status.h"

namespace quire::services {

// One entry of a settings file: a value, a list of values, or a section of entries.
struct Setting {
  std::string key;  // with '-' where the file may have '_'
  int line = 0;     // from 1
  bool is_section = false;
  std::vector<std::string> values;  // one for a scalar
  std::vector<Setting> entries;     // of a section

  // The entry named `key`, or null.
  const Setting* Find(std::string_view key) const;
};

// Reads YAML as a section without a key. An empty text is an empty section. Returns
// INVALID_ARGUMENT "path:line: ..." if it is malformed or nests deeper than sections of settings
// do.
StatusOr<Setting> ParseSettings(const std::string& yaml, const std::string& path);

}  // namespace quire::services
