#include "retrieval/store/byte_codec.h"

#include <limits>

namespace quire::retrieval {

void ByteWriter::PutUnsigned(std::uint64_t value) {
  for (; value >= 0x80; value >>= 7) bytes_.push_back(static_cast<char>((value & 0x7F) | 0x80));
  bytes_.push_back(static_cast<char>(value));
}

void ByteWriter::PutSigned(std::int64_t value) {
  const auto bits = static_cast<std::uint64_t>(value);
  PutUnsigned((bits << 1) ^ (value < 0 ? ~std::uint64_t{0} : 0));
}

void ByteWriter::PutString(std::string_view value) {
  PutUnsigned(value.size());
  bytes_.append(value);
}

void ByteWriter::PutBigEndian(std::uint64_t value) {
  for (int shift = 56; shift >= 0; shift -= 8) {
    bytes_.push_back(static_cast<char>((value >> shift) & 0xFF));
  }
}

void ByteReader::Fail() {
  ok_ = false;
  rest_ = {};
}

std::uint64_t ByteReader::GetUnsigned() {
  std::uint64_t value = 0;
  for (int shift = 0; shift < 64; shift += 7) {
    if (rest_.empty()) break;
    const auto byte = static_cast<unsigned char>(rest_.front());
    rest_.remove_prefix(1);
    if (shift == 63 && byte > 1) break;  // more than 64 bits
    value |= static_cast<std::uint64_t>(byte & 0x7F) << shift;
    if (byte < 0x80) return value;
  }
  Fail();
  return 0;
}

std::int64_t ByteReader::GetSigned() {
  const std::uint64_t bits = GetUnsigned();
  return static_cast<std::int64_t>((bits >> 1) ^ (~(bits & 1) + 1));
}

std::int32_t ByteReader::GetInt32() {
  const std::int64_t value = GetSigned();
  if (value >= std::numeric_limits<std::int32_t>::min() &&
      value <= std::numeric_limits<std::int32_t>::max()) {
    return static_cast<std::int32_t>(value);
  }
  Fail();
  return 0;
}

std::string ByteReader::GetString() {
  const std::size_t length = GetCount();
  std::string value(rest_.substr(0, length));
  rest_.remove_prefix(length);
  return value;
}

std::uint64_t ByteReader::GetBigEndian() {
  if (rest_.size() < 8) {
    Fail();
    return 0;
  }
  std::uint64_t value = 0;
  for (int i = 0; i < 8; ++i) value = (value << 8) | static_cast<unsigned char>(rest_[i]);
  rest_.remove_prefix(8);
  return value;
}

std::size_t ByteReader::GetCount() {
  const std::uint64_t count = GetUnsigned();
  if (count <= rest_.size()) return count;
  Fail();
  return 0;
}

}  // namespace quire::retrieval
