#pragma once

#include <bit>
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "engine/formats/gguf_metadata.h"
#include "engine/formats/gguf_types.h"

namespace quire::testing {

// Makes GGUF files for tests, right ones and, through the raw methods, wrong ones.
class GgufWriter {
 public:
  using Type = engine::GgufValueType;

  GgufWriter& String(std::string_view key, std::string_view value) {
    return Raw(key, Type::kString, Text(value));
  }
  GgufWriter& U32(std::string_view key, std::uint32_t value) {
    return Raw(key, Type::kU32, Number(value, 4));
  }
  GgufWriter& F32(std::string_view key, float value) {
    return Raw(key, Type::kF32, Number(std::bit_cast<std::uint32_t>(value), 4));
  }
  GgufWriter& Bool(std::string_view key, bool value) {
    return Raw(key, Type::kBool, Number(value ? 1 : 0, 1));
  }
  GgufWriter& Strings(std::string_view key, const std::vector<std::string>& values) {
    std::string body;
    for (const std::string& value : values) body += Text(value);
    return Array(key, Type::kString, values.size(), body);
  }
  GgufWriter& Floats(std::string_view key, const std::vector<float>& values) {
    std::string body;
    for (const float value : values) body += Number(std::bit_cast<std::uint32_t>(value), 4);
    return Array(key, Type::kF32, values.size(), body);
  }
  GgufWriter& I32s(std::string_view key, const std::vector<std::int32_t>& values) {
    std::string body;
    for (const std::int32_t value : values) body += Number(static_cast<std::uint32_t>(value), 4);
    return Array(key, Type::kI32, values.size(), body);
  }
  GgufWriter& Array(std::string_view key, Type element, std::uint64_t count,
                    std::string_view body) {
    return Raw(
        key, Type::kArray,
        Number(static_cast<std::uint32_t>(element), 4) + Number(count, 8) + std::string(body));
  }
  // A value as it stands in the file.
  GgufWriter& Raw(std::string_view key, Type type, std::string_view value) {
    keys_ += Text(key) + Number(static_cast<std::uint32_t>(type), 4) + std::string(value);
    ++num_keys_;
    return *this;
  }

  // `shape` outermost first.
  GgufWriter& Tensor(std::string_view name, engine::GgufTensorType type,
                     const std::vector<std::uint64_t>& shape, std::string_view bytes) {
    RawTensor(name, static_cast<std::uint32_t>(type), shape, data_.size());
    data_ += bytes;
    data_.resize((data_.size() + kAlignment - 1) / kAlignment * kAlignment);
    return *this;
  }
  // An entry of the table without data.
  GgufWriter& RawTensor(std::string_view name, std::uint32_t type,
                        const std::vector<std::uint64_t>& shape, std::uint64_t offset) {
    tensors_ += Text(name) + Number(shape.size(), 4);
    for (auto length = shape.rbegin(); length != shape.rend(); ++length) {
      tensors_ += Number(*length, 8);
    }
    tensors_ += Number(type, 4) + Number(offset, 8);
    ++num_tensors_;
    return *this;
  }

  std::string Bytes(std::uint32_t version = 3) const {
    return Bytes(version, num_tensors_, num_keys_);
  }
  // With counts that may lie.
  std::string Bytes(std::uint32_t version, std::uint64_t num_tensors,
                    std::uint64_t num_keys) const {
    std::string file = "GGUF" + Number(version, 4) + Number(num_tensors, 8) + Number(num_keys, 8) +
                       keys_ + tensors_;
    file.resize((file.size() + kAlignment - 1) / kAlignment * kAlignment);
    return file + data_;
  }

  static std::string Number(std::uint64_t value, int num_bytes) {
    std::string bytes;
    for (int i = 0; i < num_bytes; ++i) bytes += static_cast<char>(value >> (8 * i));
    return bytes;
  }
  static std::string Text(std::string_view text) {
    return Number(text.size(), 8) + std::string(text);
  }

 private:
  static constexpr std::size_t kAlignment = 32;

  std::string keys_;
  std::string tensors_;
  std::string data_;
  std::uint64_t num_keys_ = 0;
  std::uint64_t num_tensors_ = 0;
};

}  // namespace quire::testing
