#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>
#include <type_traits>

#include "base/status.h"

namespace quire::engine {

// The unsigned number in at most 8 bytes.
constexpr std::uint64_t LittleEndian(std::span<const std::uint8_t> bytes) {
  std::uint64_t number = 0;
  for (std::size_t i = bytes.size(); i-- > 0;) number = number << 8 | bytes[i];
  return number;
}

// True if `text` is ASCII without spaces and controls, as keys and names in a file are.
bool IsPrintableAscii(std::string_view text);

// Reads the fields of a GGUF file one after the other: little-endian numbers and strings with a
// length before them. No read reaches beyond the bytes.
class GgufReader {
 public:
  explicit GgufReader(std::span<const std::uint8_t> bytes) : bytes_(bytes) {}

  // DATA_LOSS naming `what` if the bytes end before.
  template <typename Number>
  StatusOr<Number> Read(std::string_view what) {
    static_assert(std::is_unsigned_v<Number>);
    QUIRE_ASSIGN_OR_RETURN(const std::span<const std::uint8_t> bytes,
                           ReadBytes(sizeof(Number), what));
    return static_cast<Number>(LittleEndian(bytes));
  }
  StatusOr<std::string_view> ReadString(std::string_view what);
  StatusOr<std::span<const std::uint8_t>> ReadBytes(std::uint64_t count, std::string_view what);
  // A count of things that take at least `min_bytes` each, so that it cannot exceed what follows.
  StatusOr<std::uint64_t> ReadCount(std::uint64_t min_bytes, std::string_view what);

  std::uint64_t position() const { return position_; }
  std::uint64_t remaining() const { return bytes_.size() - position_; }

 private:
  const std::span<const std::uint8_t> bytes_;
  std::uint64_t position_ = 0;
};

}  // namespace quire::engine
