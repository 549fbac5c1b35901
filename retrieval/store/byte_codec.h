#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>

namespace quire::retrieval {

// Appends numbers and strings to a record.
class ByteWriter {
 public:
  // LEB128: seven bits a byte, least significant first.
  void PutUnsigned(std::uint64_t value);
  // Zigzag, so that small negative numbers stay short.
  void PutSigned(std::int64_t value);
  // Length, then bytes.
  void PutString(std::string_view value);
  // Eight bytes, most significant first, so that keys sort as their numbers do.
  void PutBigEndian(std::uint64_t value);

  std::string Take() { return std::move(bytes_); }

 private:
  std::string bytes_;
};

// Reads them back. After the first failure every read gives zero or "" and ok() is false: check
// once, at the end. Borrows the bytes. Thread-compatible.
class ByteReader {
 public:
  explicit ByteReader(std::string_view bytes) : rest_(bytes) {}

  std::uint64_t GetUnsigned();
  std::int64_t GetSigned();
  // Signed, and within 32 bits.
  std::int32_t GetInt32();
  std::string GetString();
  std::uint64_t GetBigEndian();
  // For the length of a list whose items take a byte or more each: fails if so many cannot follow.
  std::size_t GetCount();

  bool ok() const { return ok_; }
  // Whether everything was read, and all of it well.
  bool AtEnd() const { return ok_ && rest_.empty(); }

 private:
  void Fail();

  std::string_view rest_;
  bool ok_ = true;
};

}  // namespace quire::retrieval
