#pragma once

#include <cstdint>
#include <span>

namespace quire {

// CRC-32C (Castagnoli), as in RFC 3720, appendix B.4. `crc` continues an earlier sum; 0 starts.
std::uint32_t Crc32c(std::span<const std::uint8_t> bytes, std::uint32_t crc = 0);

}  // namespace quire
