#include "engine/formats/gguf_reader.h"

#include <algorithm>

namespace quire::engine {

bool IsPrintableAscii(std::string_view text) {
  return std::all_of(text.begin(), text.end(), [](char c) { return c > ' ' && c <= '~'; });
}

StatusOr<std::span<const std::uint8_t>> GgufReader::ReadBytes(std::uint64_t count,
                                                              std::string_view what) {
  if (count > remaining()) {
    return DataLoss("{}: wanted {} bytes at {}, have {}: the file is truncated", what, count,
                    position_, remaining());
  }
  const auto bytes = bytes_.subspan(position_, count);
  position_ += count;
  return bytes;
}

StatusOr<std::string_view> GgufReader::ReadString(std::string_view what) {
  QUIRE_ASSIGN_OR_RETURN(const std::uint64_t length, Read<std::uint64_t>(what));
  QUIRE_ASSIGN_OR_RETURN(const auto bytes, ReadBytes(length, what));
  return std::string_view(reinterpret_cast<const char*>(bytes.data()), bytes.size());
}

StatusOr<std::uint64_t> GgufReader::ReadCount(std::uint64_t min_bytes, std::string_view what) {
  QUIRE_ASSIGN_OR_RETURN(const std::uint64_t count, Read<std::uint64_t>(what));
  if (count > remaining() / min_bytes) {
    return DataLoss("{}: wanted a count that fits into {} bytes, have {}", what, remaining(),
                    count);
  }
  return count;
}

}  // namespace quire::engine
