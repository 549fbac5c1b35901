#include "engine/formats/safetensors.h"

#include <algorithm>
#include <cstring>
#include <utility>

#include "base/checked.h"
#include "engine/formats/safetensors_header.h"

namespace quire::engine {
namespace {

constexpr std::uint64_t kPrefixBytes = 8;  // the header's length, u64 little-endian
constexpr std::uint64_t kMaxHeaderBytes = 100'000'000;

// Bytes that a tensor of this shape and type takes, or nothing if the product overflows or ends
// inside a byte.
std::optional<std::uint64_t> TensorBytes(const TensorInfo& tensor) {
  const std::optional<std::uint64_t> bits =
      CheckedProduct(static_cast<std::uint64_t>(BitsPerElement(tensor.dtype)), tensor.shape);
  if (!bits || *bits % 8 != 0) return std::nullopt;
  return *bits / 8;
}

// Checks that the tensors, sorted by position, fill the buffer exactly.
Status ValidateLayout(const std::vector<TensorInfo>& tensors, std::uint64_t buffer_bytes) {
  std::uint64_t position = 0;
  for (const TensorInfo& tensor : tensors) {
    if (tensor.begin != position) {
      return DataLoss("tensor {}: wanted offset {} where the one before it ends, have {}",
                      tensor.name, position, tensor.begin);
    }
    if (tensor.end < tensor.begin || tensor.end > buffer_bytes) {
      return DataLoss(
          "tensor {}: wanted bytes inside the buffer of {}, have [{}, {}): {}", tensor.name,
          buffer_bytes, tensor.begin, tensor.end,
          tensor.end > buffer_bytes ? "the file is truncated" : "the range is reversed");
    }
    const std::optional<std::uint64_t> wanted = TensorBytes(tensor);
    if (!wanted || *wanted != tensor.size_bytes()) {
      return DataLoss("tensor {}: wanted the bytes of {} {}, have {}", tensor.name,
                      TensorDTypeName(tensor.dtype), ShapeText(tensor.shape), tensor.size_bytes());
    }
    position = tensor.end;
  }
  if (position != buffer_bytes) {
    return DataLoss("wanted tensors that fill the buffer of {} bytes, have {}", buffer_bytes,
                    position);
  }
  return OkStatus();
}

bool IsPickle(std::span<const std::uint8_t> bytes) {
  const bool is_zip = bytes.size() >= 4 && std::memcmp(bytes.data(), "PK\x03\x04", 4) == 0;
  // A bare pickle: opcode PROTO with a protocol number of 2 to 5.
  const bool is_bare = bytes.size() >= 2 && bytes[0] == 0x80 && bytes[1] >= 2 && bytes[1] <= 5 &&
                       (bytes.size() < kPrefixBytes || bytes[7] != 0);
  return is_zip || is_bare;
}

// The header's text, after its length has been checked against the file.
StatusOr<std::string_view> HeaderText(std::span<const std::uint8_t> bytes) {
  if (IsPickle(bytes)) {
    return Unimplemented("a pickle can run code and is not read; convert it to safetensors");
  }
  if (bytes.size() < kPrefixBytes) {
    return DataLoss("wanted at least {} bytes, have {}", kPrefixBytes, bytes.size());
  }
  std::uint64_t header_bytes = 0;
  std::memcpy(&header_bytes, bytes.data(), kPrefixBytes);
  if (header_bytes > kMaxHeaderBytes) {
    return DataLoss("header: wanted at most {} bytes, have {}", kMaxHeaderBytes, header_bytes);
  }
  if (header_bytes > bytes.size() - kPrefixBytes) {
    return DataLoss("header: wanted {} bytes, have {}: the file is truncated", header_bytes,
                    bytes.size() - kPrefixBytes);
  }
  return std::string_view(reinterpret_cast<const char*>(bytes.data()) + kPrefixBytes, header_bytes);
}

StatusOr<SafetensorsHeader> ReadHeader(std::span<const std::uint8_t> bytes) {
  QUIRE_ASSIGN_OR_RETURN(const std::string_view text, HeaderText(bytes));
  QUIRE_ASSIGN_OR_RETURN(SafetensorsHeader header, ParseSafetensorsHeader(text));
  // An empty tensor may stand where its neighbour begins, so the end decides too.
  std::sort(header.tensors.begin(), header.tensors.end(),
            [](const TensorInfo& a, const TensorInfo& b) {
              return std::tie(a.begin, a.end, a.name) < std::tie(b.begin, b.end, b.name);
            });
  const std::uint64_t buffer_begin = kPrefixBytes + text.size();
  QUIRE_RETURN_IF_ERROR(ValidateLayout(header.tensors, bytes.size() - buffer_begin));
  for (TensorInfo& tensor : header.tensors) {
    tensor.begin += buffer_begin;
    tensor.end += buffer_begin;
  }
  return header;
}

}  // namespace

std::string ShapeText(std::span<const std::int64_t> shape) {
  return fmt::format("[{}]", fmt::join(shape, ", "));
}

StatusOr<std::shared_ptr<const SafetensorsFile>> SafetensorsFile::Open(const std::string& path) {
  QUIRE_ASSIGN_OR_RETURN(std::unique_ptr<MappedFile> file, MappedFile::Open(path));
  auto header = ReadHeader(file->bytes());
  // Whatever zeros in place of the file read like.
  QUIRE_RETURN_IF_ERROR(file->CheckUnchanged());
  if (!header.ok()) return Annotate(header.status(), path);
  return std::shared_ptr<const SafetensorsFile>(new SafetensorsFile(
      std::move(file), std::move(header->tensors), std::move(header->metadata)));
}

SafetensorsFile::SafetensorsFile(std::unique_ptr<MappedFile> file, std::vector<TensorInfo> tensors,
                                 std::map<std::string, std::string> metadata)
    : file_(std::move(file)), tensors_(std::move(tensors)), metadata_(std::move(metadata)) {
  for (const TensorInfo& tensor : tensors_) by_name_.emplace(tensor.name, &tensor);
}

const TensorInfo* SafetensorsFile::Find(std::string_view name) const {
  const auto found = by_name_.find(name);
  return found == by_name_.end() ? nullptr : found->second;
}

std::span<const std::uint8_t> SafetensorsFile::bytes(const TensorInfo& tensor) const {
  return file_->bytes().subspan(tensor.begin, tensor.size_bytes());
}

}  // namespace quire::engine
