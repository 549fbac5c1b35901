// How libFuzzer mutates safetensors files: mostly the header's text, whose length then fits, since
// with a length that does not fit nothing behind it is looked at.

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <vector>

extern "C" std::size_t LLVMFuzzerMutate(std::uint8_t* data, std::size_t size, std::size_t max_size);

namespace {

constexpr std::size_t kLengthBytes = 8;

std::size_t HeaderBytes(const std::uint8_t* data, std::size_t size) {
  std::uint64_t length = 0;
  for (std::size_t i = kLengthBytes; i-- > 0;) length = length << 8 | data[i];
  return std::min<std::uint64_t>(length, size - kLengthBytes);
}

void WriteHeaderBytes(std::uint64_t length, std::uint8_t* data) {
  for (std::size_t i = 0; i < kLengthBytes; ++i) {
    data[i] = static_cast<std::uint8_t>(length >> (8 * i));
  }
}

}  // namespace

extern "C" std::size_t LLVMFuzzerCustomMutator(std::uint8_t* data, std::size_t size,
                                               std::size_t max_size, unsigned int seed) {
  constexpr unsigned kOneOfSoManyAsItIs = 8;
  if (size <= kLengthBytes || seed % kOneOfSoManyAsItIs == 0) {
    return LLVMFuzzerMutate(data, size, max_size);
  }
  const std::size_t header_bytes = HeaderBytes(data, size);
  const std::vector<std::uint8_t> buffer(data + kLengthBytes + header_bytes, data + size);
  const std::size_t new_bytes =
      LLVMFuzzerMutate(data + kLengthBytes, header_bytes, max_size - kLengthBytes - buffer.size());
  WriteHeaderBytes(new_bytes, data);
  if (!buffer.empty()) std::memcpy(data + kLengthBytes + new_bytes, buffer.data(), buffer.size());
  return kLengthBytes + new_bytes + buffer.size();
}
