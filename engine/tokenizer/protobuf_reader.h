#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "base/status.h"

namespace quire::engine {

// The fields of one message in the protocol buffer wire format, one after the other. Only what
// small model files use: fields by number, no schema, no groups.
// Source: protobuf.dev, "Encoding".
class ProtobufReader {
 public:
  enum class Kind { kVarint, kFixed64, kBytes, kFixed32 };
  struct Field {
    std::uint32_t number = 0;
    Kind kind = Kind::kVarint;
    std::uint64_t value = 0;      // of a varint or fixed field
    std::string_view bytes = {};  // of a string, bytes or message field

    // The value as a float; nothing if it is no fixed32 field.
    std::optional<float> Float() const;
    // The value as an int32 or enum, cut as protobuf does; nothing if it is no varint.
    std::optional<std::int32_t> Int32() const;
    std::optional<bool> Bool() const;
    // Nothing if it is no string, bytes or message.
    std::optional<std::string_view> Bytes() const;
  };

  // `message` is borrowed; `place` starts error messages.
  ProtobufReader(std::string_view message, std::string place)
      : rest_(message), place_(std::move(place)) {}

  // The next field; nothing at the end. INVALID_ARGUMENT if the message is cut short or malformed.
  StatusOr<std::optional<Field>> Next();

  const std::string& place() const { return place_; }

 private:
  StatusOr<std::uint64_t> ReadVarint();
  StatusOr<std::string_view> ReadBytes(std::uint64_t count);
  StatusOr<std::uint64_t> ReadFixed(std::size_t count);

  std::string_view rest_;
  std::string place_;
};

}  // namespace quire::engine
