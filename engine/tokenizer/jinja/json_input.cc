#include "engine/tokenizer/jinja/json_input.h"

#include <nlohmann/json.hpp>

#include "base/utf8.h"

namespace quire::engine::jinja {
namespace {

using Json = nlohmann::ordered_json;

StatusOr<Value> Convert(const Json& json, int depth, Arena& arena) {
  if (depth > kMaxInputDepth) {
    return InvalidArgument("template input: wanted at most {} levels, have more", kMaxInputDepth);
  }
  switch (json.type()) {
    case Json::value_t::boolean:
      return Value::Bool(json.get<bool>());
    case Json::value_t::number_integer:
      return Value::Integer(json.get<std::int64_t>());
    case Json::value_t::number_unsigned:
      // Python would keep it exact; no template counts that far.
      if (json.get<std::uint64_t>() > INT64_MAX) return Value::Float(json.get<double>());
      return Value::Integer(json.get<std::int64_t>());
    case Json::value_t::number_float:
      return Value::Float(json.get<double>());
    case Json::value_t::string:
      return arena.NewText(ReplaceInvalidUtf8(json.get_ref<const std::string&>()), Origin::kInput);
    case Json::value_t::array: {
      std::vector<Value> items;
      for (const Json& element : json) {
        QUIRE_ASSIGN_OR_RETURN(const Value item, Convert(element, depth + 1, arena));
        items.push_back(item);
      }
      return arena.NewSequence(Sequence::Kind::kList, std::move(items));
    }
    case Json::value_t::object: {
      Dict* dict = arena.NewDict();
      for (const auto& [name, element] : json.items()) {
        QUIRE_ASSIGN_OR_RETURN(const Value key,
                               arena.NewText(ReplaceInvalidUtf8(name), Origin::kInput));
        QUIRE_ASSIGN_OR_RETURN(const Value value, Convert(element, depth + 1, arena));
        QUIRE_RETURN_IF_ERROR(arena.SetItem(*dict, key, value));
      }
      return Value::Of(dict);
    }
    default:
      return Value::None();
  }
}

}  // namespace

StatusOr<Value> ValueFromJson(const Json& json, Arena& arena) {
  return Convert(json, /*depth=*/0, arena);
}

}  // namespace quire::engine::jinja
