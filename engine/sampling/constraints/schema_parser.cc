#include "engine/sampling/constraints/schema_parser.h"

#include <algorithm>
#include <charconv>
#include <deque>
#include <map>
#include <utility>

#include "base/ascii.h"
#include "engine/sampling/constraints/schema_checks.h"
#include "engine/sampling/constraints/schema_keywords.h"

namespace quire::engine::constraints {
namespace {

constexpr int kMaxSchemaDepth = 64;

StatusOr<SchemaJson> ParseJson(std::string_view text) {
  bool too_deep = false;
  const auto limit_depth = [&](int depth, SchemaJson::parse_event_t, SchemaJson&) {
    too_deep = too_deep || depth > kMaxSchemaDepth;
    return !too_deep;
  };
  // The parser takes a zero byte for the end of its input.
  if (text.find('\0') != std::string_view::npos) return InvalidArgument("#: wanted JSON");
  try {
    SchemaJson value = SchemaJson::parse(text, limit_depth);
    if (too_deep) return InvalidArgument("#: wanted JSON nested at most {} deep", kMaxSchemaDepth);
    return value;
  } catch (const SchemaJson::parse_error& error) {
    return InvalidArgument("#: wanted JSON, have an error at byte {}", error.byte);
  } catch (const SchemaJson::exception&) {
    return InvalidArgument("#: wanted JSON, have a number out of range");
  }
}

// "%41" becomes "A"; then "~1" becomes "/" and "~0" becomes "~".
std::string UnescapePointerPart(std::string_view part) {
  std::string bytes;
  for (std::size_t i = 0; i < part.size(); ++i) {
    const bool has_two_more = i + 2 < part.size();
    const int high = has_two_more ? HexDigit(part[i + 1]) : -1;
    const int low = has_two_more ? HexDigit(part[i + 2]) : -1;
    if (part[i] == '%' && high >= 0 && low >= 0) {
      bytes += static_cast<char>(high * 16 + low);
      i += 2;
    } else {
      bytes += part[i];
    }
  }
  std::string name;
  for (std::size_t i = 0; i < bytes.size(); ++i) {
    const bool is_escape =
        bytes[i] == '~' && i + 1 < bytes.size() && (bytes[i + 1] == '0' || bytes[i + 1] == '1');
    name += is_escape ? (bytes[++i] == '0' ? '~' : '/') : bytes[i];
  }
  return name;
}

LiteralSchema Literals(std::initializer_list<SchemaJson> values) {
  LiteralSchema literals;
  literals.values.assign(values.begin(), values.end());
  return literals;
}

// A schema that is found but not yet read.
struct Unread {
  SchemaId id;
  SchemaPlace place;
};

// Reads places one after another, not inside each other: a chain of references is as long as its
// author likes.
class SchemaParser {
 public:
  explicit SchemaParser(const SchemaJson& root) : root_{&root, "#"} {}

  StatusOr<SchemaGraph> Parse();

 private:
  // The schema at `place`, which is read later.
  SchemaId Refer(const SchemaPlace& place);
  // A schema without a place.
  SchemaId Add(Schema schema);
  // Any JSON value.
  SchemaId Any();
  // What "$ref" of `place` names.
  StatusOr<SchemaId> Resolve(const SchemaPlace& place);

  StatusOr<Schema> Read(const SchemaPlace& place);
  StatusOr<Schema> ReadUnion(const SchemaPlace& list);
  StatusOr<Schema> ReadType(const SchemaPlace& place, JsonType type);
  StatusOr<Schema> ReadArray(const SchemaPlace& place);
  StatusOr<Schema> ReadObject(const SchemaPlace& place);
  Status ReadRequired(const SchemaPlace& place, ObjectSchema& object);

  const SchemaPlace root_;
  SchemaGraph graph_;
  std::map<std::string, SchemaId, std::less<>> ids_;  // by pointer
  std::deque<Unread> unread_;
  std::vector<ExclusiveUnion> exclusive_;
  std::optional<SchemaId> any_;
};

SchemaId SchemaParser::Add(Schema schema) {
  graph_.schemas.push_back(std::move(schema));
  graph_.is_shared.push_back(false);
  return static_cast<SchemaId>(graph_.schemas.size()) - 1;
}

SchemaId SchemaParser::Refer(const SchemaPlace& place) {
  const auto [found, is_new] = ids_.try_emplace(place.pointer, 0);
  if (is_new) {
    found->second = Add(UnionSchema());
    unread_.push_back({found->second, place});
  }
  return found->second;
}

SchemaId SchemaParser::Any() {
  if (any_) return *any_;
  any_ = Add(UnionSchema());
  graph_.is_shared[static_cast<std::size_t>(*any_)] = true;
  UnionSchema any;
  any.alternatives = {
      Add(Literals({nullptr, true, false})), Add(NumberSchema()), Add(StringSchema()),
      Add(ArraySchema{.prefix = {}, .items = any_, .min_items = 0, .max_items = std::nullopt}),
      Add(ObjectSchema{.properties = {}, .additional = any_})};
  graph_.schemas[static_cast<std::size_t>(*any_)] = std::move(any);
  return *any_;
}

StatusOr<SchemaGraph> SchemaParser::Parse() {
  graph_.root = Refer(root_);
  while (!unread_.empty()) {
    const Unread next = std::move(unread_.front());
    unread_.pop_front();
    QUIRE_ASSIGN_OR_RETURN(Schema schema, Read(next.place));
    graph_.schemas[static_cast<std::size_t>(next.id)] = std::move(schema);
  }
  std::vector<std::string> pointers(graph_.schemas.size());
  for (const auto& [pointer, id] : ids_) pointers[static_cast<std::size_t>(id)] = pointer;
  QUIRE_RETURN_IF_ERROR(CheckUnions(graph_, pointers));
  QUIRE_RETURN_IF_ERROR(CheckExclusive(graph_, exclusive_));
  return std::move(graph_);
}

StatusOr<Schema> SchemaParser::Read(const SchemaPlace& place) {
  if (place.value->is_boolean()) {
    UnionSchema alternatives;
    if (place.value->get<bool>()) alternatives.alternatives = {Any()};
    return Schema(std::move(alternatives));
  }
  if (!place.value->is_object()) return place.Error("wanted a schema: an object, true or false");
  QUIRE_RETURN_IF_ERROR(CheckKeywords(place));
  if (const auto reference = place.Find("$ref")) {
    QUIRE_ASSIGN_OR_RETURN(const SchemaId target, Resolve(*reference));
    return Schema(UnionSchema{{target}});
  }
  for (const char* key : {"anyOf", "oneOf", "allOf"}) {
    if (const auto list = place.Find(key)) return ReadUnion(*list);
  }
  if (place.Find("const") || place.Find("enum")) {
    QUIRE_ASSIGN_OR_RETURN(LiteralSchema literals, ParseLiterals(place));
    return Schema(std::move(literals));
  }
  QUIRE_ASSIGN_OR_RETURN(const std::vector<JsonType> types, AllowedTypes(place));
  if (types.size() == 1) return ReadType(place, types.front());
  UnionSchema alternatives;
  for (const JsonType type : types) {
    QUIRE_ASSIGN_OR_RETURN(Schema schema, ReadType(place, type));
    alternatives.alternatives.push_back(Add(std::move(schema)));
  }
  return Schema(std::move(alternatives));
}

StatusOr<SchemaId> SchemaParser::Resolve(const SchemaPlace& place) {
  if (!place.value->is_string()) return place.Error("wanted a string");
  std::string_view rest = place.value->get_ref<const std::string&>();
  if (!rest.starts_with('#') || (rest.size() > 1 && rest[1] != '/')) {
    return place.Error("wanted a JSON pointer into this schema, as in \"#/$defs/name\"");
  }
  rest.remove_prefix(1);
  SchemaPlace target = root_;
  while (!rest.empty()) {
    rest.remove_prefix(1);
    const std::string part = UnescapePointerPart(rest.substr(0, rest.find('/')));
    rest.remove_prefix(std::min(rest.find('/'), rest.size()));
    if (target.value->is_object()) {
      const auto member = target.Find(part);
      if (!member) return place.Error("wanted a pointer to a schema that exists");
      target = *member;
      continue;
    }
    std::size_t index = 0;
    const auto [end, error] = std::from_chars(part.data(), part.data() + part.size(), index);
    const bool is_index = error == std::errc() && end == part.data() + part.size();
    if (!is_index || !target.value->is_array() || index >= target.value->size()) {
      return place.Error("wanted a pointer to a schema that exists");
    }
    target = target.Element(index);
  }
  const SchemaId id = Refer(target);
  graph_.is_shared[static_cast<std::size_t>(id)] = true;
  return id;
}

StatusOr<Schema> SchemaParser::ReadUnion(const SchemaPlace& list) {
  if (!list.value->is_array() || list.value->empty()) {
    return list.Error("wanted a list of schemas");
  }
  if (list.pointer.ends_with("/allOf") && list.value->size() > 1) {
    return list.Element(1).Error("more than one schema is not supported");
  }
  UnionSchema alternatives;
  for (std::size_t i = 0; i < list.value->size(); ++i) {
    alternatives.alternatives.push_back(Refer(list.Element(i)));
  }
  if (list.pointer.ends_with("/oneOf")) {
    exclusive_.push_back({list.pointer, alternatives.alternatives});
  }
  return Schema(std::move(alternatives));
}

StatusOr<Schema> SchemaParser::ReadType(const SchemaPlace& place, JsonType type) {
  switch (type) {
    case JsonType::kNull:
      return Schema(Literals({nullptr}));
    case JsonType::kBoolean:
      return Schema(Literals({true, false}));
    case JsonType::kInteger:
    case JsonType::kNumber: {
      QUIRE_ASSIGN_OR_RETURN(NumberSchema number, ParseNumber(place, type == JsonType::kInteger));
      return Schema(number);
    }
    case JsonType::kString: {
      QUIRE_ASSIGN_OR_RETURN(StringSchema string, ParseString(place));
      return Schema(std::move(string));
    }
    case JsonType::kArray:
      return ReadArray(place);
    case JsonType::kObject:
      return ReadObject(place);
  }
  return place.Error("wanted a type");
}

StatusOr<Schema> SchemaParser::ReadArray(const SchemaPlace& place) {
  QUIRE_ASSIGN_OR_RETURN(ArraySchema array, ParseArrayLengths(place));
  if (const auto prefix = place.Find("prefixItems")) {
    if (!prefix->value->is_array()) return prefix->Error("wanted a list of schemas");
    for (std::size_t i = 0; i < prefix->value->size(); ++i) {
      array.prefix.push_back(Refer(prefix->Element(i)));
    }
  }
  const auto items = place.Find("items");
  array.items = items ? Refer(*items) : Any();
  return Schema(std::move(array));
}

StatusOr<Schema> SchemaParser::ReadObject(const SchemaPlace& place) {
  ObjectSchema object;
  const auto properties = place.Find("properties");
  if (properties) {
    if (!properties->value->is_object()) return properties->Error("wanted an object of schemas");
    for (const auto& [name, schema] : properties->value->items()) {
      object.properties.push_back(
          {.name = name, .schema = Refer(properties->Member(name, schema)), .is_required = false});
    }
  }
  if (const auto additional = place.Find("additionalProperties")) {
    if (*additional->value != false) object.additional = Refer(*additional);
  } else if (!properties) {
    object.additional = Any();
  }
  QUIRE_RETURN_IF_ERROR(ReadRequired(place, object));
  return Schema(std::move(object));
}

Status SchemaParser::ReadRequired(const SchemaPlace& place, ObjectSchema& object) {
  const auto required = place.Find("required");
  if (!required) return OkStatus();
  if (!required->value->is_array()) return required->Error("wanted a list of names");
  std::map<std::string, std::size_t, std::less<>> index;
  for (std::size_t i = 0; i < object.properties.size(); ++i) index[object.properties[i].name] = i;
  for (std::size_t i = 0; i < required->value->size(); ++i) {
    const SchemaPlace element = required->Element(i);
    if (!element.value->is_string()) return element.Error("wanted a name");
    const std::string& name = element.value->get_ref<const std::string&>();
    const auto [found, is_new] = index.try_emplace(name, object.properties.size());
    if (!is_new) {
      object.properties[found->second].is_required = true;
    } else if (object.additional) {
      object.properties.push_back(
          {.name = name, .schema = *object.additional, .is_required = true});
    } else {
      return element.Error("wanted a name of properties, since no others are allowed");
    }
  }
  return OkStatus();
}

}  // namespace

StatusOr<SchemaGraph> ParseSchema(std::string_view text) {
  QUIRE_ASSIGN_OR_RETURN(const SchemaJson json, ParseJson(text));
  return SchemaParser(json).Parse();
}

}  // namespace quire::engine::constraints
