#include "engine/formats/gguf_metadata.h"

#include <algorithm>
#include <array>
#include <bit>
#include <cmath>

#include "base/utf8.h"

namespace quire::engine {
namespace {

using Type = GgufValueType;

constexpr std::size_t kMaxKeyBytes = 65535;
// Arrays in arrays: none of the known keys has any.
constexpr int kMaxArrayDepth = 8;
// A length before each string or array: what an element takes at least.
constexpr std::uint64_t kMinStringBytes = 8;
constexpr std::uint64_t kMinArrayBytes = 12;
// More than ten times the largest vocabulary or list of merges.
constexpr std::uint64_t kMaxStrings = 1 << 25;

struct TypeRow {
  std::string_view name;
  std::uint32_t size_bytes;  // of a number; 0 for the others
};
// By the numbers of GgufValueType.
constexpr std::array kTypes = {
    TypeRow{"u8", 1},     TypeRow{"i8", 1},    TypeRow{"u16", 2}, TypeRow{"i16", 2},
    TypeRow{"u32", 4},    TypeRow{"i32", 4},   TypeRow{"f32", 4}, TypeRow{"bool", 1},
    TypeRow{"string", 0}, TypeRow{"array", 0}, TypeRow{"u64", 8}, TypeRow{"i64", 8},
    TypeRow{"f64", 8},
};

const TypeRow& RowOf(Type type) { return kTypes[static_cast<std::size_t>(type)]; }

StatusOr<Type> ReadType(GgufReader& reader, std::string_view key) {
  QUIRE_ASSIGN_OR_RETURN(const auto number, reader.Read<std::uint32_t>(key));
  if (number >= kTypes.size()) {
    return DataLoss("{}: wanted a value type in [0, {}], have {}", key, kTypes.size() - 1, number);
  }
  return static_cast<Type>(number);
}

Status CheckBools(std::span<const std::uint8_t> bytes, std::string_view key) {
  const auto bad = std::find_if(bytes.begin(), bytes.end(), [](std::uint8_t b) { return b > 1; });
  if (bad == bytes.end()) return OkStatus();
  return DataLoss("{}: wanted a bool of 0 or 1, have {}", key, *bad);
}

Status ReadArray(GgufReader& reader, std::string_view key, int depth, GgufValue& value) {
  if (depth > kMaxArrayDepth) return DataLoss("{}: nested deeper than {}", key, kMaxArrayDepth);
  QUIRE_ASSIGN_OR_RETURN(value.element_type, ReadType(reader, key));
  const std::uint32_t size_bytes = RowOf(value.element_type).size_bytes;
  if (size_bytes > 0) {
    QUIRE_ASSIGN_OR_RETURN(value.count, reader.ReadCount(size_bytes, key));
    QUIRE_ASSIGN_OR_RETURN(value.bytes, reader.ReadBytes(value.count * size_bytes, key));
    return value.element_type == Type::kBool ? CheckBools(value.bytes, key) : OkStatus();
  }
  if (value.element_type == Type::kString) {
    QUIRE_ASSIGN_OR_RETURN(value.count, reader.ReadCount(kMinStringBytes, key));
    if (value.count > kMaxStrings) {
      return DataLoss("{}: wanted at most {} strings, have {}", key, kMaxStrings, value.count);
    }
    value.strings.reserve(value.count);
    for (std::uint64_t i = 0; i < value.count; ++i) {
      QUIRE_ASSIGN_OR_RETURN(const std::string_view text, reader.ReadString(key));
      value.strings.push_back(text);
    }
    return OkStatus();
  }
  QUIRE_ASSIGN_OR_RETURN(value.count, reader.ReadCount(kMinArrayBytes, key));
  for (std::uint64_t i = 0; i < value.count; ++i) {
    GgufValue element;
    QUIRE_RETURN_IF_ERROR(ReadArray(reader, key, depth + 1, element));
  }
  return OkStatus();
}

StatusOr<GgufValue> ReadValue(GgufReader& reader, std::string_view key) {
  GgufValue value;
  QUIRE_ASSIGN_OR_RETURN(value.type, ReadType(reader, key));
  if (value.type == Type::kString) {
    QUIRE_ASSIGN_OR_RETURN(value.text, reader.ReadString(key));
  } else if (value.type == Type::kArray) {
    QUIRE_RETURN_IF_ERROR(ReadArray(reader, key, /*depth=*/1, value));
  } else {
    QUIRE_ASSIGN_OR_RETURN(value.bytes, reader.ReadBytes(RowOf(value.type).size_bytes, key));
    if (value.type == Type::kBool) QUIRE_RETURN_IF_ERROR(CheckBools(value.bytes, key));
  }
  return value;
}

Status CheckKey(std::string_view key) {
  if (key.empty() || key.size() > kMaxKeyBytes) {
    return DataLoss("key: wanted one of 1 to {} bytes, have {}", kMaxKeyBytes, key.size());
  }
  const bool printable =
      std::all_of(key.begin(), key.end(), [](char c) { return c > ' ' && c <= '~'; });
  return printable ? OkStatus() : DataLoss("key: wanted printable ASCII, have something else");
}

std::uint64_t Bits(std::span<const std::uint8_t> bytes) {
  std::uint64_t bits = 0;
  for (std::size_t i = bytes.size(); i-- > 0;) bits = bits << 8 | bytes[i];
  return bits;
}

// A number of any type but those that are no integers; nothing for these, and for u64 beyond i64.
std::optional<std::int64_t> ToInteger(Type type, std::span<const std::uint8_t> bytes) {
  const std::uint64_t bits = Bits(bytes);
  switch (type) {
    case Type::kU8:
    case Type::kU16:
    case Type::kU32:
      return static_cast<std::int64_t>(bits);
    case Type::kU64:
      if (bits > INT64_MAX) return std::nullopt;
      return static_cast<std::int64_t>(bits);
    case Type::kI8:
      return static_cast<std::int8_t>(bits);
    case Type::kI16:
      return static_cast<std::int16_t>(bits);
    case Type::kI32:
      return static_cast<std::int32_t>(bits);
    case Type::kI64:
      return static_cast<std::int64_t>(bits);
    default:
      return std::nullopt;
  }
}

std::optional<double> ToNumber(Type type, std::span<const std::uint8_t> bytes) {
  if (type == Type::kF32) {
    return std::bit_cast<float>(static_cast<std::uint32_t>(Bits(bytes)));
  }
  if (type == Type::kF64) return std::bit_cast<double>(Bits(bytes));
  const std::optional<std::int64_t> integer = ToInteger(type, bytes);
  if (!integer) return std::nullopt;
  return static_cast<double>(*integer);
}

std::string DescribeNumber(Type type, std::span<const std::uint8_t> bytes) {
  if (type == Type::kBool) return bytes[0] == 1 ? "true" : "false";
  if (type == Type::kU64) return fmt::format("{}", Bits(bytes));
  if (const auto integer = ToInteger(type, bytes)) return fmt::format("{}", *integer);
  if (type == Type::kF32) return fmt::format("{}", static_cast<float>(*ToNumber(type, bytes)));
  return fmt::format("{}", *ToNumber(type, bytes));
}

// A text on one line, its beginning if it is long.
std::string DescribeText(std::string_view text) {
  constexpr std::size_t kMaxShownBytes = 60;
  std::string shown;
  for (const char c : text.substr(0, kMaxShownBytes)) {
    const auto byte = static_cast<unsigned char>(c);
    if (byte < ' ' || byte == 0x7F) {
      shown += fmt::format("\\x{:02x}", byte);
    } else {
      shown += c;
    }
  }
  return ReplaceInvalidUtf8(shown) + (text.size() > kMaxShownBytes ? "..." : "");
}

}  // namespace

std::string_view GgufValueTypeName(GgufValueType type) { return RowOf(type).name; }

std::string DescribeGgufValue(const GgufValue& value) {
  if (value.type == Type::kString) return DescribeText(value.text);
  if (value.type != Type::kArray) return DescribeNumber(value.type, value.bytes);
  constexpr std::uint64_t kMaxShownElements = 4;
  std::string elements;
  for (std::uint64_t i = 0; i < std::min(value.count, kMaxShownElements); ++i) {
    const std::uint32_t size = RowOf(value.element_type).size_bytes;
    if (i > 0) elements += ", ";
    if (value.element_type == Type::kString) {
      elements += DescribeText(value.strings[i]);
    } else if (size > 0) {
      elements += DescribeNumber(value.element_type, value.bytes.subspan(i * size, size));
    } else {
      elements += "[...]";
    }
  }
  return fmt::format("[{}{}]", elements, value.count > kMaxShownElements ? ", ..." : "");
}

StatusOr<GgufMetadata> GgufMetadata::Read(GgufReader& reader, std::uint64_t count,
                                          std::string path) {
  GgufMetadata metadata(std::move(path));
  metadata.values_.reserve(count);
  for (std::uint64_t i = 0; i < count; ++i) {
    QUIRE_ASSIGN_OR_RETURN(const std::string_view key, reader.ReadString("key"));
    QUIRE_RETURN_IF_ERROR(CheckKey(key));
    QUIRE_ASSIGN_OR_RETURN(GgufValue value, ReadValue(reader, key));
    if (!metadata.by_key_.emplace(key, metadata.values_.size()).second) {
      return DataLoss("{}: wanted the key once, have it twice", key);
    }
    metadata.values_.emplace_back(key, std::move(value));
  }
  return metadata;
}

const GgufValue* GgufMetadata::Find(std::string_view key) const {
  const auto found = by_key_.find(key);
  return found == by_key_.end() ? nullptr : &values_[found->second].second;
}

Status GgufMetadata::Wanted(std::string_view key, std::string_view wanted) const {
  const GgufValue* value = Find(key);
  if (value == nullptr) {
    return InvalidArgument("{}: {}: wanted {}, have no such key", path_, key, wanted);
  }
  if (value->type == Type::kArray) {
    return InvalidArgument("{}: {}: wanted {}, have an array of {} {}", path_, key, wanted,
                           value->count, GgufValueTypeName(value->element_type));
  }
  return InvalidArgument("{}: {}: wanted {}, have the {} {}", path_, key, wanted,
                         GgufValueTypeName(value->type), DescribeGgufValue(*value));
}

StatusOr<std::optional<std::int64_t>> GgufMetadata::Integer(std::string_view key, std::int64_t min,
                                                            std::int64_t max) const {
  const GgufValue* value = Find(key);
  if (value == nullptr) return std::optional<std::int64_t>();
  const std::optional<std::int64_t> integer = ToInteger(value->type, value->bytes);
  if (!integer || *integer < min || *integer > max) {
    return Wanted(key, fmt::format("an integer in [{}, {}]", min, max));
  }
  return integer;
}

StatusOr<std::optional<double>> GgufMetadata::Number(std::string_view key) const {
  const GgufValue* value = Find(key);
  if (value == nullptr) return std::optional<double>();
  const std::optional<double> number = ToNumber(value->type, value->bytes);
  if (!number || !std::isfinite(*number)) return Wanted(key, "a finite number");
  return number;
}

StatusOr<std::optional<bool>> GgufMetadata::Bool(std::string_view key) const {
  const GgufValue* value = Find(key);
  if (value == nullptr) return std::optional<bool>();
  if (value->type != Type::kBool) return Wanted(key, "a bool");
  return std::optional<bool>(value->bytes[0] == 1);
}

StatusOr<std::optional<std::string_view>> GgufMetadata::String(std::string_view key) const {
  const GgufValue* value = Find(key);
  if (value == nullptr) return std::optional<std::string_view>();
  if (value->type != Type::kString) return Wanted(key, "a string");
  return std::optional<std::string_view>(value->text);
}

StatusOr<std::vector<std::string_view>> GgufMetadata::Strings(std::string_view key) const {
  const GgufValue* value = Find(key);
  if (value == nullptr) return std::vector<std::string_view>();
  if (value->type != Type::kArray || value->element_type != Type::kString) {
    return Wanted(key, "an array of strings");
  }
  return value->strings;
}

StatusOr<std::vector<std::int64_t>> GgufMetadata::Integers(std::string_view key) const {
  const GgufValue* value = Find(key);
  std::vector<std::int64_t> integers;
  if (value == nullptr) return integers;
  const std::uint32_t size = RowOf(value->element_type).size_bytes;
  if (value->type != Type::kArray || size == 0) return Wanted(key, "an array of integers");
  integers.reserve(value->count);
  for (std::uint64_t i = 0; i < value->count; ++i) {
    const auto integer = ToInteger(value->element_type, value->bytes.subspan(i * size, size));
    if (!integer) return Wanted(key, "an array of integers");
    integers.push_back(*integer);
  }
  return integers;
}

StatusOr<std::vector<float>> GgufMetadata::Floats(std::string_view key) const {
  const GgufValue* value = Find(key);
  std::vector<float> floats;
  if (value == nullptr) return floats;
  const std::uint32_t size = RowOf(value->element_type).size_bytes;
  if (value->type != Type::kArray || size == 0) return Wanted(key, "an array of numbers");
  floats.reserve(value->count);
  for (std::uint64_t i = 0; i < value->count; ++i) {
    const auto number = ToNumber(value->element_type, value->bytes.subspan(i * size, size));
    if (!number) return Wanted(key, "an array of numbers");
    floats.push_back(static_cast<float>(*number));
  }
  return floats;
}

StatusOr<std::string_view> GgufMetadata::Bytes(std::string_view key) const {
  const GgufValue* value = Find(key);
  if (value == nullptr) return std::string_view();
  if (value->type != Type::kArray || RowOf(value->element_type).size_bytes != 1) {
    return Wanted(key, "an array of bytes");
  }
  return std::string_view(reinterpret_cast<const char*>(value->bytes.data()), value->bytes.size());
}

}  // namespace quire::engine
