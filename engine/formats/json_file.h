#pragma once

#include <cstddef>
#include <cstdint>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/status.h"

namespace quire::engine {

// Parses a small JSON file of a model directory. Returns NOT_FOUND if it is absent,
// INVALID_ARGUMENT if it is larger than `max_bytes`, no valid JSON, nested deeper than 64, or holds
// something else than an object or an array at the top.
StatusOr<nlohmann::json> ReadJsonFile(const std::string& path, std::size_t max_bytes = 16 << 20);

// The same for JSON that is in memory already; `where` takes the place of the path in messages.
StatusOr<nlohmann::json> ParseJson(std::string_view text, const std::string& where);

// The keys of an object in a JSON file in the order in which they stand there, which a parsed value
// does not keep. `path_keys` lead to the object, outermost first; none if it is not there. Errors
// as ReadJsonFile.
StatusOr<std::vector<std::string>> ReadKeysInOrder(const std::string& path,
                                                   const std::vector<const char*>& path_keys);

// Typed, range-checked reading of one JSON object's fields. The first error sticks and names file,
// field, what was wanted and what is there; the reads after it do nothing. A null field counts as
// absent, as in Hugging Face files.
//
// Thread-compatible. The JSON value must outlive it.
class JsonFields {
 public:
  // `where` precedes the field's name in messages: the file, and the path to a nested object.
  JsonFields(const nlohmann::json& object, std::string where);

  // The field must be there.
  void Require(const char* key, std::int32_t& value, std::int64_t min, std::int64_t max);
  // `value` stays as it is if the field is absent.
  void Read(const char* key, std::int32_t& value, std::int64_t min, std::int64_t max);
  void Read(const char* key, double& value, double min, double max);
  void Read(const char* key, float& value, double min, double max);
  void Read(const char* key, bool& value);
  void Read(const char* key, std::string& value);
  // One integer or a list of integers.
  void Read(const char* key, std::vector<std::int32_t>& values, std::int64_t min, std::int64_t max);
  // A list of numbers.
  void Read(const char* key, std::vector<float>& values, double min, double max);
  // A list of strings.
  void Read(const char* key, std::vector<std::string>& values);

  // True also for a null field.
  bool Contains(const char* key) const { return object_->contains(key); }
  // The field as it is; null if absent.
  const nlohmann::json* Find(const char* key) const;
  // The nested object `key`, or nothing if absent. Its errors are its own: check its status too.
  std::optional<JsonFields> Object(const char* key);

  // Notes an error about `key`, as INVALID_ARGUMENT or as `status`.
  void Fail(const char* key, std::string_view wanted);
  void Fail(Status status);

  const std::string& where() const { return where_; }
  const Status& status() const { return status_; }

 private:
  // The integer at `value`, or nothing and an error.
  std::optional<std::int32_t> Integer(const char* key, const nlohmann::json& value,
                                      std::int64_t min, std::int64_t max);

  const nlohmann::json* object_;
  std::string where_;
  Status status_;
};

}  // namespace quire::engine
