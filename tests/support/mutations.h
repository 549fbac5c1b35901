#pragma once

#include <algorithm>
#include <iterator>
#include <random>
#include <string>

// Damage for files: seeded, so that a failure names its number.

namespace quire::testing {

using Random = std::mt19937;

inline std::size_t Below(Random& random, std::size_t limit) {
  return std::uniform_int_distribution<std::size_t>(0, limit - 1)(random);
}

// Each of the following requires bytes; `limit` is where the part to damage ends.

inline void FlipBits(std::string& bytes, std::size_t limit, Random& random) {
  for (std::size_t i = 0; i <= Below(random, 8); ++i) {
    char& byte = bytes[Below(random, limit)];
    byte = static_cast<char>(byte ^ (1 << Below(random, 8)));
  }
}

inline void Truncate(std::string& bytes, Random& random) {
  bytes.resize(Below(random, bytes.size()));
}

// Copies one stretch over another.
inline void Splice(std::string& bytes, std::size_t limit, Random& random) {
  const std::size_t size = 1 + Below(random, std::min<std::size_t>(limit, 64));
  const std::string piece = bytes.substr(Below(random, limit), size);
  bytes.replace(Below(random, limit), piece.size(), piece);
}

// Puts a stretch into another place.
inline void Insert(std::string& bytes, Random& random) {
  const std::size_t size = 1 + Below(random, std::min<std::size_t>(bytes.size(), 64));
  const std::string piece = bytes.substr(Below(random, bytes.size()), size);
  bytes.insert(Below(random, bytes.size()), piece);
}

inline void Erase(std::string& bytes, Random& random) {
  bytes.erase(Below(random, bytes.size()), 1 + Below(random, 16));
}

// Replaces a number in the text by one that tempts careless arithmetic.
inline void ReplaceNumber(std::string& bytes, std::size_t limit, Random& random) {
  static const char* const kNumbers[] = {"0",
                                         "-1",
                                         "1",
                                         "2147483647",
                                         "2147483648",
                                         "4294967295",
                                         "4294967296",
                                         "1e308",
                                         "-0.0",
                                         "1e-320",
                                         "65536",
                                         "9223372036854775807",
                                         "1000000007",
                                         "0.5",
                                         "18446744073709551615",
                                         "9223372036854775808",
                                         "18446744073709551616",
                                         "null",
                                         "\"x\"",
                                         "[]",
                                         "{}"};
  const std::size_t start = Below(random, limit);
  const std::size_t begin = bytes.find_first_of("0123456789", start);
  if (begin == std::string::npos || begin >= limit) return;
  const std::size_t end = bytes.find_first_not_of("0123456789.eE+-", begin);
  bytes.replace(begin, end - begin, kNumbers[Below(random, std::size(kNumbers))]);
}

// Replaces a little-endian number of 1, 2, 4 or 8 bytes by one at the edge of its range.
inline void ReplaceBinaryNumber(std::string& bytes, Random& random) {
  static const unsigned long long kNumbers[] = {
      0,          1,          2,          0x7F,       0x80,       0xFF,       0x100,
      0x7FFF,     0x8000,     0xFFFF,     0x7FFFFFFF, 0x80000000, 0xFFFFFFFF, 1ull << 32,
      1ull << 40, 1ull << 62, ~0ull >> 1, ~0ull - 7,  ~0ull};
  const unsigned long long number = kNumbers[Below(random, std::size(kNumbers))];
  const std::size_t size = std::size_t{1} << Below(random, 4);
  const std::size_t begin = Below(random, bytes.size());
  for (std::size_t i = 0; i < size && begin + i < bytes.size(); ++i) {
    bytes[begin + i] = static_cast<char>(number >> (8 * i));
  }
}

// Damage for any file.
inline std::string MutateAny(std::string bytes, Random& random) {
  for (std::size_t i = 0; i <= Below(random, 4); ++i) {
    if (bytes.empty()) return bytes;
    switch (Below(random, 8)) {
      case 0:
      case 1:
        FlipBits(bytes, bytes.size(), random);
        break;
      case 2:
        Truncate(bytes, random);
        break;
      case 3:
        Splice(bytes, bytes.size(), random);
        break;
      case 4:
        Insert(bytes, random);
        break;
      case 5:
        Erase(bytes, random);
        break;
      case 6:
        ReplaceNumber(bytes, bytes.size(), random);
        break;
      default:
        ReplaceBinaryNumber(bytes, random);
    }
  }
  return bytes;
}

}  // namespace quire::testing
