#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string>

namespace quire {

// Incremental SHA-256 over OpenSSL. Thread-compatible.
class Sha256 {
 public:
  Sha256();
  ~Sha256();
  Sha256(const Sha256&) = delete;
  Sha256& operator=(const Sha256&) = delete;

  void Update(std::span<const std::uint8_t> bytes);

  // The digest as 32 raw bytes. The object takes no more input afterwards.
  std::string Finish();

 private:
  struct Context;
  std::unique_ptr<Context> context_;
};

// The bytes as lower-case hexadecimal digits.
std::string ToHex(std::span<const std::uint8_t> bytes);

}  // namespace quire
