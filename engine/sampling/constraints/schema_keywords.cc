#include "engine/sampling/constraints/schema_keywords.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <tuple>
#include <utility>

#include "engine/sampling/constraints/decimal_range.h"

namespace quire::engine::constraints {
namespace {

constexpr std::int64_t kMaxCount = 1'000'000;  // in minLength and the like
constexpr double kMaxBound = 1e9;              // of a number that is no integer

enum class Group {
  kAnnotation,
  kType,
  kReplaces,  // stands for all of its schema
  kLiteral,   // as kReplaces, but may be narrowed by "type"
  kNumber,
  kString,
  kArray,
  kObject,
  kNone,
};

struct Keyword {
  std::string_view name;
  Group group;
};
constexpr Keyword kKeywords[] = {
    {"$schema", Group::kAnnotation},
    {"$id", Group::kAnnotation},
    {"$comment", Group::kAnnotation},
    {"$defs", Group::kAnnotation},
    {"definitions", Group::kAnnotation},
    {"title", Group::kAnnotation},
    {"description", Group::kAnnotation},
    {"default", Group::kAnnotation},
    {"examples", Group::kAnnotation},
    {"deprecated", Group::kAnnotation},
    {"readOnly", Group::kAnnotation},
    {"writeOnly", Group::kAnnotation},
    {"discriminator", Group::kAnnotation},
    {"type", Group::kType},
    {"$ref", Group::kReplaces},
    {"anyOf", Group::kReplaces},
    {"oneOf", Group::kReplaces},
    {"allOf", Group::kReplaces},
    {"const", Group::kLiteral},
    {"enum", Group::kLiteral},
    {"minimum", Group::kNumber},
    {"maximum", Group::kNumber},
    {"exclusiveMinimum", Group::kNumber},
    {"exclusiveMaximum", Group::kNumber},
    {"minLength", Group::kString},
    {"maxLength", Group::kString},
    {"pattern", Group::kString},
    {"format", Group::kString},
    {"items", Group::kArray},
    {"prefixItems", Group::kArray},
    {"minItems", Group::kArray},
    {"maxItems", Group::kArray},
    {"uniqueItems", Group::kArray},
    {"properties", Group::kObject},
    {"required", Group::kObject},
    {"additionalProperties", Group::kObject},
};

const Keyword* FindKeyword(std::string_view name) {
  const auto found = std::find_if(std::begin(kKeywords), std::end(kKeywords),
                                  [&](const Keyword& keyword) { return keyword.name == name; });
  return found == std::end(kKeywords) ? nullptr : found;
}

struct NamedType {
  std::string_view name;
  JsonType type;
  Group group;  // of the keywords that are about it
};
constexpr NamedType kTypes[] = {
    {"null", JsonType::kNull, Group::kNone},       {"boolean", JsonType::kBoolean, Group::kNone},
    {"integer", JsonType::kInteger, Group::kNone}, {"number", JsonType::kNumber, Group::kNumber},
    {"string", JsonType::kString, Group::kString}, {"array", JsonType::kArray, Group::kArray},
    {"object", JsonType::kObject, Group::kObject},
};

constexpr JsonType kJsonTypes[] = {JsonType::kNull,   JsonType::kBoolean, JsonType::kInteger,
                                   JsonType::kNumber, JsonType::kString,  JsonType::kArray,
                                   JsonType::kObject};

// The type of a value; an integer is kInteger, also if it is written "1.0".
JsonType TypeOf(const SchemaJson& value) {
  switch (value.type()) {
    case SchemaJson::value_t::null:
      return JsonType::kNull;
    case SchemaJson::value_t::boolean:
      return JsonType::kBoolean;
    case SchemaJson::value_t::string:
      return JsonType::kString;
    case SchemaJson::value_t::array:
      return JsonType::kArray;
    case SchemaJson::value_t::object:
      return JsonType::kObject;
    case SchemaJson::value_t::number_float: {
      const double number = value.get<double>();
      return std::floor(number) == number ? JsonType::kInteger : JsonType::kNumber;
    }
    default:
      return JsonType::kInteger;
  }
}

// True if a value of type `type` is one of type `wanted`: integers are numbers.
constexpr bool IsOfType(JsonType type, JsonType wanted) {
  return type == wanted || (type == JsonType::kInteger && wanted == JsonType::kNumber);
}

// The expression for a "format", or nothing. Strict subsets of what RFC 3339 and RFC 4122 allow:
// 29 February, which not every year has, and leap seconds are left out.
std::optional<std::string> FormatPattern(std::string_view format) {
  constexpr char kDate[] =
      "[0-9]{4}-((0[13578]|1[02])-(0[1-9]|[12][0-9]|3[01])"
      "|(0[469]|11)-(0[1-9]|[12][0-9]|30)|02-(0[1-9]|1[0-9]|2[0-8]))";
  constexpr char kTime[] =
      "([01][0-9]|2[0-3])(:[0-5][0-9]){2}(\\.[0-9]{1,6})?(Z|[+-]([01][0-9]|2[0-3]):[0-5][0-9])";
  if (format == "date") return kDate;
  if (format == "time") return kTime;
  if (format == "date-time") return fmt::format("{}T{}", kDate, kTime);
  if (format == "uuid") return "[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}";
  return std::nullopt;
}

StatusOr<JsonType> ParseType(const SchemaPlace& place) {
  if (place.value->is_string()) {
    for (const NamedType& type : kTypes) {
      if (place.value->get_ref<const std::string&>() == type.name) return type.type;
    }
  }
  return place.Error("wanted the name of a JSON type");
}

// The value of `key`, which is a count; nothing if it is absent.
StatusOr<std::optional<std::int32_t>> ParseCount(const SchemaPlace& place, std::string_view key) {
  const std::optional<SchemaPlace> member = place.Find(key);
  if (!member) return std::optional<std::int32_t>();
  const SchemaJson& value = *member->value;
  // A negative integer is none here, and nothing is larger than it can hold.
  if (!value.is_number_unsigned() || value.get<std::uint64_t>() > kMaxCount) {
    return member->Error(fmt::format("wanted an integer in [0, {}]", kMaxCount));
  }
  return std::optional(static_cast<std::int32_t>(value.get<std::uint64_t>()));
}

// `min` and `max` counts, the second at least the first.
StatusOr<std::pair<std::int32_t, std::optional<std::int32_t>>> ParseCounts(
    const SchemaPlace& place, std::string_view min_key, std::string_view max_key) {
  QUIRE_ASSIGN_OR_RETURN(const std::optional<std::int32_t> min, ParseCount(place, min_key));
  QUIRE_ASSIGN_OR_RETURN(const std::optional<std::int32_t> max, ParseCount(place, max_key));
  if (max && *max < min.value_or(0)) {
    return place.Find(max_key)->Error(fmt::format("wanted at least {}", min_key));
  }
  return std::pair(min.value_or(0), max);
}

// The least number of units, 1 / `scale` each, that a double at least `bound` has; more than it if
// `exclusive`. Asks in doubles, as whoever checks the output will.
std::int64_t LowerUnits(double bound, double scale, bool exclusive) {
  const auto fits = [&](std::int64_t units) {
    const double value = static_cast<double>(units) / scale;
    return exclusive ? value > bound : value >= bound;
  };
  std::int64_t units = std::llround(bound * scale);
  while (!fits(units)) ++units;
  while (fits(units - 1)) --units;
  return units;
}

// As LowerUnits for the value of a keyword. `sign` is -1 for an upper bound: -x is its lower bound.
StatusOr<std::int64_t> ParseBound(const SchemaPlace& place, bool is_integer, int sign,
                                  bool exclusive) {
  const SchemaJson& value = *place.value;
  if (!value.is_number()) return place.Error("wanted a number");
  const double bound = sign * value.get<double>();
  if (is_integer) {
    constexpr auto kLimit = static_cast<double>(kMaxDecimalUnits);
    if (bound > kLimit) return kMaxDecimalUnits + 1;
    if (bound < -kLimit) return -kMaxDecimalUnits;
    if (value.is_number_integer()) return sign * value.get<std::int64_t>() + (exclusive ? 1 : 0);
    const auto least = static_cast<std::int64_t>(std::ceil(bound));
    return least + (exclusive && static_cast<double>(least) == bound ? 1 : 0);
  }
  if (std::abs(bound) >= kMaxBound) {
    return place.Error("wanted a number between -10^9 and 10^9, unless the type is integer");
  }
  return LowerUnits(bound, std::pow(10.0, NumberSchema::kFractionDigits), exclusive);
}

// The tighter of an inclusive and an exclusive bound, as ParseBound.
StatusOr<std::optional<std::int64_t>> ParseBounds(const SchemaPlace& place, bool is_integer,
                                                  int sign, std::string_view key,
                                                  std::string_view exclusive_key) {
  std::optional<std::int64_t> tightest;
  for (const bool exclusive : {false, true}) {
    const auto member = place.Find(exclusive ? exclusive_key : key);
    if (!member) continue;
    QUIRE_ASSIGN_OR_RETURN(const std::int64_t bound,
                           ParseBound(*member, is_integer, sign, exclusive));
    tightest = std::max(bound, tightest.value_or(bound));
  }
  return tightest;
}

}  // namespace

std::optional<SchemaPlace> SchemaPlace::Find(std::string_view key) const {
  const auto found = value->find(key);
  if (found == value->end()) return std::nullopt;
  return Member(key, *found);
}

SchemaPlace SchemaPlace::Member(std::string_view key, const SchemaJson& member) const {
  SchemaPlace place = {&member, pointer + "/"};
  for (const char c : key) {
    if (c == '~') {
      place.pointer += "~0";
    } else if (c == '/') {
      place.pointer += "~1";
    } else {
      place.pointer += c;
    }
  }
  return place;
}

SchemaPlace SchemaPlace::Element(std::size_t index) const {
  return {&(*value)[index], fmt::format("{}/{}", pointer, index)};
}

Status SchemaPlace::Error(std::string_view what) const {
  return InvalidArgument("{}: {}", pointer, what);
}

Status CheckKeywords(const SchemaPlace& place) {
  const Keyword* alone = nullptr;  // what must stand alone
  for (const auto& [key, value] : place.value->items()) {
    const Keyword* keyword = FindKeyword(key);
    const bool is_root = place.pointer == "#";
    if (keyword == nullptr || (keyword->name == "$id" && !is_root)) {
      return place.Member(key, value).Error("the keyword is not supported");
    }
    const bool is_alone = keyword->group == Group::kReplaces || keyword->group == Group::kLiteral;
    if (alone == nullptr && is_alone) alone = keyword;
  }
  if (alone == nullptr) return OkStatus();
  for (const auto& [key, value] : place.value->items()) {
    const Keyword& keyword = *FindKeyword(key);
    const bool narrows = alone->group == Group::kLiteral && keyword.group == Group::kType;
    if (&keyword != alone && keyword.group != Group::kAnnotation && !narrows) {
      return place.Member(key, value)
          .Error(fmt::format("the keyword is not supported beside {}", alone->name));
    }
  }
  return OkStatus();
}

StatusOr<std::vector<JsonType>> AllowedTypes(const SchemaPlace& place) {
  std::vector<JsonType> types;
  if (const auto member = place.Find("type")) {
    if (!member->value->is_array()) {
      QUIRE_ASSIGN_OR_RETURN(const JsonType type, ParseType(*member));
      return std::vector<JsonType>{type};
    }
    for (std::size_t i = 0; i < member->value->size(); ++i) {
      QUIRE_ASSIGN_OR_RETURN(const JsonType type, ParseType(member->Element(i)));
      if (std::find(types.begin(), types.end(), type) == types.end()) types.push_back(type);
    }
    if (types.empty()) return member->Error("wanted at least one type, have none");
    return types;
  }
  for (const NamedType& type : kTypes) {
    const bool is_meant = std::any_of(place.value->items().begin(), place.value->items().end(),
                                      [&](const auto& item) {
                                        const Keyword* keyword = FindKeyword(item.key());
                                        return keyword->group == type.group;
                                      });
    if (is_meant) types.push_back(type.type);
  }
  if (!types.empty()) return types;
  return std::vector<JsonType>(std::begin(kJsonTypes), std::end(kJsonTypes));
}

StatusOr<NumberSchema> ParseNumber(const SchemaPlace& place, bool is_integer) {
  NumberSchema number;
  number.is_integer = is_integer;
  QUIRE_ASSIGN_OR_RETURN(number.min,
                         ParseBounds(place, is_integer, 1, "minimum", "exclusiveMinimum"));
  QUIRE_ASSIGN_OR_RETURN(number.max,
                         ParseBounds(place, is_integer, -1, "maximum", "exclusiveMaximum"));
  if (number.max) number.max = -*number.max;
  return number;
}

StatusOr<StringSchema> ParseString(const SchemaPlace& place) {
  StringSchema string;
  QUIRE_ASSIGN_OR_RETURN(const auto lengths, ParseCounts(place, "minLength", "maxLength"));
  std::tie(string.min_length, string.max_length) = lengths;
  const auto pattern = place.Find("pattern");
  const auto format = place.Find("format");
  if (!pattern && !format) return string;
  if ((pattern && format) || place.Find("minLength") || place.Find("maxLength")) {
    return (pattern ? pattern : format)
        ->Error("the keyword is not supported beside another one about strings");
  }
  const SchemaPlace& member = pattern ? *pattern : *format;
  if (!member.value->is_string()) return member.Error("wanted a string");
  std::string expression = member.value->get<std::string>();
  if (format) {
    std::optional<std::string> known = FormatPattern(expression);
    if (!known) return member.Error("the format is not supported");
    expression = *std::move(known);
    string.is_whole = true;
  }
  StatusOr<std::vector<RegexBranch>> branches = ParseRegex(expression);
  if (!branches.ok()) return Annotate(branches.status(), member.pointer);
  string.pattern = *std::move(branches);
  return string;
}

StatusOr<ArraySchema> ParseArrayLengths(const SchemaPlace& place) {
  ArraySchema array;
  QUIRE_ASSIGN_OR_RETURN(const auto counts, ParseCounts(place, "minItems", "maxItems"));
  std::tie(array.min_items, array.max_items) = counts;
  if (const auto unique = place.Find("uniqueItems"); unique && *unique->value != false) {
    return unique->Error("only false is supported");
  }
  return array;
}

StatusOr<LiteralSchema> ParseLiterals(const SchemaPlace& place) {
  QUIRE_ASSIGN_OR_RETURN(const std::vector<JsonType> types, AllowedTypes(place));
  LiteralSchema literals;
  const auto add = [&](const SchemaJson& value) {
    const bool is_allowed = std::any_of(types.begin(), types.end(), [&](JsonType wanted) {
      return IsOfType(TypeOf(value), wanted);
    });
    if (is_allowed) literals.values.push_back(value);
  };
  const auto list = place.Find("enum");
  if (!list) {
    add(*place.Find("const")->value);
  } else if (list->value->is_array()) {
    for (const SchemaJson& value : *list->value) add(value);
  }
  if (!literals.values.empty()) return literals;
  if (list) return list->Error("wanted a list with a value of the type, have none");
  return place.Find("const")->Error("wanted a value of the type");
}

}  // namespace quire::engine::constraints
