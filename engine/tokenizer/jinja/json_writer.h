#pragma once

#include <optional>
#include <string>

#include "base/status.h"
#include "engine/tokenizer/jinja/value.h"

namespace quire::engine::jinja {

// How json.dumps lays out what it writes.
struct JsonLayout {
  std::optional<std::string> indent;  // of one level; nothing: all on one line
  std::string item_separator = ", ";
  std::string key_separator = ": ";
  bool sort_keys = false;
  bool ensure_ascii = false;
};

// `value` as Python's json.dumps writes it: keys in their order, no HTML escapes.
// INVALID_ARGUMENT for what JSON cannot express.
StatusOr<Text> WriteJson(const Value& value, const JsonLayout& layout, Runtime& runtime);

}  // namespace quire::engine::jinja
