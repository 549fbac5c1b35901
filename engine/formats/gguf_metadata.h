#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "base/status.h"
#include "engine/formats/gguf_reader.h"

namespace quire::engine {

// Types of GGUF metadata values, with their numbers in the file.
enum class GgufValueType : std::uint32_t {
  kU8 = 0,
  kI8 = 1,
  kU16 = 2,
  kI16 = 3,
  kU32 = 4,
  kI32 = 5,
  kF32 = 6,
  kBool = 7,
  kString = 8,
  kArray = 9,
  kU64 = 10,
  kI64 = 11,
  kF64 = 12,
};
// "u32", "string", ...
std::string_view GgufValueTypeName(GgufValueType type);

// One value. Borrows the file.
struct GgufValue {
  GgufValueType type = GgufValueType::kU8;
  std::string_view text = {};                       // of a string
  std::span<const std::uint8_t> bytes = {};         // of a number, or of an array of numbers
  GgufValueType element_type = GgufValueType::kU8;  // of an array
  std::uint64_t count = 0;                          // of an array
  std::vector<std::string_view> strings = {};       // of an array of strings
};

// The keys and values of a GGUF file. Numbers of any width are read as what is wanted, if they fit:
// writers differ. Errors have the form "path: key: wanted ..., have ...".
//
// Thread-safe: immutable once read.
class GgufMetadata {
 public:
  // Reads `count` pairs. DATA_LOSS, without the file's name, if a key is empty, no ASCII, longer
  // than 65535 bytes or there twice, a type is unknown, a bool is neither 0 nor 1, or the bytes
  // end before. `path` is for the messages of the accessors.
  static StatusOr<GgufMetadata> Read(GgufReader& reader, std::uint64_t count, std::string path);

  // In file order.
  const std::vector<std::pair<std::string_view, GgufValue>>& values() const { return values_; }
  const GgufValue* Find(std::string_view key) const;
  const std::string& path() const { return path_; }

  // The value of `key`, or nothing if it is absent. INVALID_ARGUMENT if it has another type or is
  // out of range.
  StatusOr<std::optional<std::int64_t>> Integer(std::string_view key, std::int64_t min,
                                                std::int64_t max) const;
  StatusOr<std::optional<double>> Number(std::string_view key) const;
  StatusOr<std::optional<bool>> Bool(std::string_view key) const;
  StatusOr<std::optional<std::string_view>> String(std::string_view key) const;
  // The elements of an array; empty if the key is absent.
  StatusOr<std::vector<std::string_view>> Strings(std::string_view key) const;
  StatusOr<std::vector<std::int64_t>> Integers(std::string_view key) const;
  StatusOr<std::vector<float>> Floats(std::string_view key) const;
  // The bytes of an array of 8-bit integers.
  StatusOr<std::string_view> Bytes(std::string_view key) const;

  // "path: key: wanted <wanted>, have <what is there>".
  Status Wanted(std::string_view key, std::string_view wanted) const;

 private:
  explicit GgufMetadata(std::string path) : path_(std::move(path)) {}

  std::vector<std::pair<std::string_view, GgufValue>> values_;
  std::unordered_map<std::string_view, std::size_t> by_key_;
  std::string path_;
};

// The value as text, for people: arrays with their first elements.
std::string DescribeGgufValue(const GgufValue& value);

}  // namespace quire::engine
