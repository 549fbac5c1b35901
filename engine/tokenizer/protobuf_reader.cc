#include "engine/tokenizer/protobuf_reader.h"

#include <bit>

namespace quire::engine {
namespace {

constexpr std::uint64_t kMaxFieldNumber = (std::uint64_t{1} << 29) - 1;

}  // namespace

std::optional<float> ProtobufReader::Field::Float() const {
  if (kind != Kind::kFixed32) return std::nullopt;
  return std::bit_cast<float>(static_cast<std::uint32_t>(value));
}

std::optional<std::int32_t> ProtobufReader::Field::Int32() const {
  if (kind != Kind::kVarint) return std::nullopt;
  return static_cast<std::int32_t>(static_cast<std::uint32_t>(value));
}

std::optional<bool> ProtobufReader::Field::Bool() const {
  if (kind != Kind::kVarint) return std::nullopt;
  return value != 0;
}

std::optional<std::string_view> ProtobufReader::Field::Bytes() const {
  if (kind != Kind::kBytes) return std::nullopt;
  return bytes;
}

StatusOr<std::optional<ProtobufReader::Field>> ProtobufReader::Next() {
  if (rest_.empty()) return std::optional<Field>();
  QUIRE_ASSIGN_OR_RETURN(const std::uint64_t tag, ReadVarint());
  Field field;
  if (tag >> 3 == 0 || tag >> 3 > kMaxFieldNumber) {
    return InvalidArgument("{}: wanted a field number in [1, 2^29), have {}", place_, tag >> 3);
  }
  field.number = static_cast<std::uint32_t>(tag >> 3);
  switch (tag & 7) {
    case 0: {
      QUIRE_ASSIGN_OR_RETURN(field.value, ReadVarint());
      return field;
    }
    case 1: {
      field.kind = Kind::kFixed64;
      QUIRE_ASSIGN_OR_RETURN(field.value, ReadFixed(8));
      return field;
    }
    case 2: {
      field.kind = Kind::kBytes;
      QUIRE_ASSIGN_OR_RETURN(const std::uint64_t count, ReadVarint());
      QUIRE_ASSIGN_OR_RETURN(field.bytes, ReadBytes(count));
      return field;
    }
    case 5: {
      field.kind = Kind::kFixed32;
      QUIRE_ASSIGN_OR_RETURN(field.value, ReadFixed(4));
      return field;
    }
    default:
      return InvalidArgument("{}: field {}: wanted wire type 0, 1, 2 or 5, have {}", place_,
                             field.number, tag & 7);
  }
}

StatusOr<std::uint64_t> ProtobufReader::ReadVarint() {
  constexpr int kMaxBits = 64;
  std::uint64_t value = 0;
  for (int shift = 0; shift < kMaxBits; shift += 7) {
    if (rest_.empty()) return InvalidArgument("{}: the message is cut short", place_);
    const auto byte = static_cast<unsigned char>(rest_.front());
    rest_.remove_prefix(1);
    value |= static_cast<std::uint64_t>(byte & 0x7F) << shift;
    if (byte < 0x80) return value;
  }
  return InvalidArgument("{}: wanted a number of at most 10 bytes, have more", place_);
}

StatusOr<std::string_view> ProtobufReader::ReadBytes(std::uint64_t count) {
  if (count > rest_.size()) {
    return InvalidArgument("{}: wanted {} bytes, have {}: the message is cut short", place_, count,
                           rest_.size());
  }
  const std::string_view bytes = rest_.substr(0, count);
  rest_.remove_prefix(count);
  return bytes;
}

StatusOr<std::uint64_t> ProtobufReader::ReadFixed(std::size_t count) {
  QUIRE_ASSIGN_OR_RETURN(const std::string_view bytes, ReadBytes(count));
  std::uint64_t value = 0;
  for (std::size_t i = count; i-- > 0;) {
    value = value << 8 | static_cast<unsigned char>(bytes[i]);
  }
  return value;
}

}  // namespace quire::engine
