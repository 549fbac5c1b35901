#include "engine/formats/json_file.h"

#include <algorithm>
#include <utility>

#include "base/mapped_file.h"

namespace quire::engine {
namespace {

constexpr int kMaxDepth = 64;
// Enough of a value to recognize it in a message.
constexpr std::size_t kShownBytes = 40;
constexpr std::size_t kMaxOrderedBytes = 16 << 20;

std::string Shown(const nlohmann::json& value) {
  // Invalid UTF-8 cannot be here: the parser refuses it.
  std::string text = value.dump(-1, ' ', /*ensure_ascii=*/true);
  if (text.size() > kShownBytes) text = text.substr(0, kShownBytes) + "...";
  return text;
}

// Parses into either kind of JSON value.
template <typename Json>
StatusOr<Json> Parse(std::string_view text, const std::string& where) {
  // The parser takes a zero byte for the end of its input.
  if (text.find('\0') != std::string_view::npos) {
    return InvalidArgument("{}: wanted JSON, have a zero byte", where);
  }
  bool too_deep = false;
  const auto limit_depth = [&too_deep](int depth, typename Json::parse_event_t, Json&) {
    too_deep = too_deep || depth > kMaxDepth;
    return !too_deep;
  };
  try {
    Json value = Json::parse(text, limit_depth);
    if (too_deep) return InvalidArgument("{}: nested deeper than {}", where, kMaxDepth);
    if (!value.is_structured()) {
      return InvalidArgument("{}: wanted a JSON object, have {}", where, value.type_name());
    }
    return value;
  } catch (const nlohmann::json::parse_error& error) {
    return InvalidArgument("{}: invalid JSON at byte {}", where, error.byte);
  } catch (const nlohmann::json::exception& error) {
    return InvalidArgument("{}: invalid JSON: {}", where, error.what());
  }
}

}  // namespace

StatusOr<nlohmann::json> ParseJson(std::string_view text, const std::string& where) {
  return Parse<nlohmann::json>(text, where);
}

StatusOr<nlohmann::json> ReadJsonFile(const std::string& path, std::size_t max_bytes) {
  QUIRE_ASSIGN_OR_RETURN(const std::string text, ReadFile(path, max_bytes));
  return ParseJson(text, path);
}

StatusOr<std::vector<std::string>> ReadKeysInOrder(const std::string& path,
                                                   const std::vector<const char*>& path_keys) {
  QUIRE_ASSIGN_OR_RETURN(const std::string text, ReadFile(path, kMaxOrderedBytes));
  QUIRE_ASSIGN_OR_RETURN(const auto file, Parse<nlohmann::ordered_json>(text, path));
  const nlohmann::ordered_json* object = &file;
  for (const char* key : path_keys) {
    if (!object->is_object() || !object->contains(key)) return std::vector<std::string>();
    object = &(*object)[key];
  }
  std::vector<std::string> keys;
  if (!object->is_object()) return keys;
  for (const auto& [key, ignored] : object->items()) keys.push_back(key);
  return keys;
}

JsonFields::JsonFields(const nlohmann::json& object, std::string where)
    : object_(&object), where_(std::move(where)) {
  if (!object.is_object()) {
    status_ = InvalidArgument("{}: wanted an object, have {}", where_, Shown(object));
  }
}

const nlohmann::json* JsonFields::Find(const char* key) const {
  if (!object_->is_object()) return nullptr;
  const auto field = object_->find(key);
  if (field == object_->end() || field->is_null()) return nullptr;
  return &*field;
}

std::optional<JsonFields> JsonFields::Object(const char* key) {
  const nlohmann::json* field = Find(key);
  if (field == nullptr) return std::nullopt;
  return JsonFields(*field, where_ + ": " + key);
}

void JsonFields::Fail(Status status) {
  if (status_.ok()) status_ = std::move(status);
}

void JsonFields::Fail(const char* key, std::string_view wanted) {
  const nlohmann::json* field = Find(key);
  Fail(InvalidArgument("{}: {}: wanted {}, have {}", where_, key, wanted,
                       field == nullptr ? "nothing" : Shown(*field)));
}

std::optional<std::int32_t> JsonFields::Integer(const char* key, const nlohmann::json& value,
                                                std::int64_t min, std::int64_t max) {
  // Numbers above INT64_MAX are kept unsigned; as signed ones they would wrap.
  const bool fits = value.is_number_integer() &&
                    (!value.is_number_unsigned() || value.get<std::uint64_t>() <= INT32_MAX);
  const std::int64_t number = fits ? value.get<std::int64_t>() : 0;
  if (!fits || number < min || number > max) {
    Fail(key, fmt::format("an integer in [{}, {}]", min, max));
    return std::nullopt;
  }
  return static_cast<std::int32_t>(number);
}

void JsonFields::Require(const char* key, std::int32_t& value, std::int64_t min, std::int64_t max) {
  if (Find(key) == nullptr) return Fail(key, fmt::format("an integer in [{}, {}]", min, max));
  Read(key, value, min, max);
}

void JsonFields::Read(const char* key, std::int32_t& value, std::int64_t min, std::int64_t max) {
  const nlohmann::json* field = Find(key);
  if (field == nullptr) return;
  if (const auto number = Integer(key, *field, min, max)) value = *number;
}

void JsonFields::Read(const char* key, double& value, double min, double max) {
  const nlohmann::json* field = Find(key);
  if (field == nullptr) return;
  const double number = field->is_number() ? field->get<double>() : 0.0;
  if (!field->is_number() || !(number >= min && number <= max)) {
    return Fail(key, fmt::format("a number in [{}, {}]", min, max));
  }
  value = number;
}

void JsonFields::Read(const char* key, float& value, double min, double max) {
  double number = value;
  Read(key, number, min, max);
  value = static_cast<float>(number);
}

void JsonFields::Read(const char* key, bool& value) {
  const nlohmann::json* field = Find(key);
  if (field == nullptr) return;
  if (!field->is_boolean()) return Fail(key, "true or false");
  value = field->get<bool>();
}

void JsonFields::Read(const char* key, std::string& value) {
  const nlohmann::json* field = Find(key);
  if (field == nullptr) return;
  if (!field->is_string()) return Fail(key, "a string");
  value = field->get<std::string>();
}

void JsonFields::Read(const char* key, std::vector<std::int32_t>& values, std::int64_t min,
                      std::int64_t max) {
  const nlohmann::json* field = Find(key);
  if (field == nullptr) return;
  std::vector<std::int32_t> numbers;
  const auto add = [&](const nlohmann::json& value) {
    if (const auto number = Integer(key, value, min, max)) numbers.push_back(*number);
  };
  if (field->is_array()) {
    for (const nlohmann::json& value : *field) add(value);
  } else {
    add(*field);
  }
  if (status_.ok()) values = std::move(numbers);
}

void JsonFields::Read(const char* key, std::vector<float>& values, double min, double max) {
  const nlohmann::json* field = Find(key);
  if (field == nullptr) return;
  const auto is_wanted = [&](const nlohmann::json& value) {
    return value.is_number() && value.get<double>() >= min && value.get<double>() <= max;
  };
  if (!field->is_array() || !std::all_of(field->begin(), field->end(), is_wanted)) {
    return Fail(key, fmt::format("a list of numbers in [{}, {}]", min, max));
  }
  values = field->get<std::vector<float>>();
}

void JsonFields::Read(const char* key, std::vector<std::string>& values) {
  const nlohmann::json* field = Find(key);
  if (field == nullptr) return;
  const auto is_string = [](const nlohmann::json& value) { return value.is_string(); };
  if (!field->is_array() || !std::all_of(field->begin(), field->end(), is_string)) {
    return Fail(key, "a list of strings");
  }
  values = field->get<std::vector<std::string>>();
}

}  // namespace quire::engine
