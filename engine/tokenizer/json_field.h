#pragma once

#include <cstdint>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/status.h"

namespace quire::engine {

// A JSON value and its place in a file, "tokenizer.json: decoder.decoders[2].type", so that every
// error names what it is about. The place of a whole file ends in a colon. Borrows the value.
class JsonField {
 public:
  JsonField(const nlohmann::json& value, std::string path)
      : value_(&value), path_(std::move(path)) {}

  const nlohmann::json& value() const { return *value_; }
  const std::string& path() const { return path_; }

  // The member `key`; nothing if it is absent or null, or if this is no object.
  std::optional<JsonField> Find(std::string_view key) const;
  // The same; INVALID_ARGUMENT if there is none.
  StatusOr<JsonField> Get(std::string_view key) const;
  // The elements of an array; INVALID_ARGUMENT if this is none.
  StatusOr<std::vector<JsonField>> Elements() const;

  StatusOr<std::string> String() const;
  StatusOr<std::int64_t> Integer() const;

  // The member `key`, or `fallback` if it is absent or null. INVALID_ARGUMENT for a wrong type.
  StatusOr<std::string> StringOr(std::string_view key, std::string_view fallback) const;
  StatusOr<bool> BoolOr(std::string_view key, bool fallback) const;
  StatusOr<std::int64_t> IntegerOr(std::string_view key, std::int64_t fallback) const;

  // "<path>: wanted <wanted>, have <this value>".
  Status Wanted(std::string_view wanted) const;

 private:
  const nlohmann::json* value_;
  std::string path_;
};

}  // namespace quire::engine
