#include "engine/formats/gguf_file.h"

#include <algorithm>
#include <bit>
#include <cstring>
#include <utility>

#include "base/checked.h"

namespace quire::engine {
namespace {

constexpr std::string_view kMagic = "GGUF";
constexpr std::uint32_t kMinVersion = 2;
constexpr std::uint32_t kMaxVersion = 3;
constexpr std::uint64_t kDefaultAlignment = 32;
constexpr std::int64_t kMaxAlignment = 1 << 20;
// Ten times what any known file has.
constexpr std::uint64_t kMaxKeys = 1 << 16;
constexpr std::uint64_t kMaxTensors = 1 << 20;
constexpr std::size_t kMaxGgufNameBytes = 64;
constexpr std::uint32_t kMaxDimensions = 4;
// What a pair and a tensor's entry take at least.
constexpr std::uint64_t kMinPairBytes = 8 + 1 + 4 + 1;
constexpr std::uint64_t kMinTensorBytes = 8 + 1 + 4 + 4 + 8;

struct Header {
  std::uint32_t version = 0;
  std::uint64_t num_tensors = 0;
  std::uint64_t num_keys = 0;
};

StatusOr<Header> ReadHeader(GgufReader& reader) {
  QUIRE_ASSIGN_OR_RETURN(const auto magic, reader.ReadBytes(kMagic.size(), "header"));
  if (std::memcmp(magic.data(), kMagic.data(), kMagic.size()) != 0) {
    return DataLoss("header: wanted \"GGUF\" at its start, have something else");
  }
  Header header;
  QUIRE_ASSIGN_OR_RETURN(header.version, reader.Read<std::uint32_t>("version"));
  if (header.version < kMinVersion || header.version > kMaxVersion) {
    const bool swapped = (header.version & 0xFFFF) == 0 && header.version != 0;
    return Unimplemented("version: wanted 2 or 3, little-endian, have {}{}", header.version,
                         swapped ? ": the file is big-endian" : "");
  }
  QUIRE_ASSIGN_OR_RETURN(header.num_tensors, reader.ReadCount(kMinTensorBytes, "tensor count"));
  QUIRE_ASSIGN_OR_RETURN(header.num_keys, reader.ReadCount(kMinPairBytes, "key count"));
  if (header.num_tensors > kMaxTensors || header.num_keys > kMaxKeys) {
    return DataLoss("header: wanted at most {} tensors and {} keys, have {} and {}", kMaxTensors,
                    kMaxKeys, header.num_tensors, header.num_keys);
  }
  return header;
}

StatusOr<std::uint64_t> Alignment(const GgufMetadata& metadata) {
  QUIRE_ASSIGN_OR_RETURN(const std::optional<std::int64_t> value,
                         metadata.Integer("general.alignment", 8, kMaxAlignment));
  const auto alignment = static_cast<std::uint64_t>(value.value_or(kDefaultAlignment));
  if (!std::has_single_bit(alignment)) {
    return metadata.Wanted("general.alignment", "a power of two");
  }
  return alignment;
}

// Bytes of a tensor, or nothing if the product overflows. Requires: whole blocks.
std::optional<std::uint64_t> TensorBytes(const GgufTensor& tensor) {
  const GgufTypeTraits& traits = TraitsOf(tensor.type);
  const std::optional<std::uint64_t> elements = CheckedProduct(1, tensor.shape);
  if (!elements) return std::nullopt;
  return CheckedMultiply(*elements / traits.block_elements, traits.block_bytes);
}

// The lengths in file order, the contiguous one first.
Status ReadShape(GgufReader& reader, GgufTensor& tensor) {
  QUIRE_ASSIGN_OR_RETURN(const auto num_dimensions, reader.Read<std::uint32_t>(tensor.name));
  if (num_dimensions > kMaxDimensions) {
    return DataLoss("tensor {}: wanted at most {} dimensions, have {}", tensor.name, kMaxDimensions,
                    num_dimensions);
  }
  for (std::uint32_t i = 0; i < num_dimensions; ++i) {
    QUIRE_ASSIGN_OR_RETURN(const auto length, reader.Read<std::uint64_t>(tensor.name));
    if (length > static_cast<std::uint64_t>(INT64_MAX)) {
      return DataLoss("tensor {}: wanted a length below 2^63, have {}", tensor.name, length);
    }
    tensor.shape.push_back(static_cast<std::int64_t>(length));
  }
  std::reverse(tensor.shape.begin(), tensor.shape.end());
  return OkStatus();
}

Status ReadType(GgufReader& reader, GgufTensor& tensor) {
  QUIRE_ASSIGN_OR_RETURN(const auto number, reader.Read<std::uint32_t>(tensor.name));
  const std::optional<GgufTypeTraits> traits = FindGgufType(number);
  if (!traits) return DataLoss("tensor {}: wanted a known type, have {}", tensor.name, number);
  tensor.type = traits->type;
  const std::int64_t row = tensor.shape.empty() ? 1 : tensor.shape.back();
  if (row % traits->block_elements != 0) {
    return DataLoss("tensor {}: wanted rows of a multiple of {} elements for {}, have {}",
                    tensor.name, traits->block_elements, traits->name, row);
  }
  return OkStatus();
}

// `begin` and `end` relative to the tensor data.
StatusOr<GgufTensor> ReadTensor(GgufReader& reader) {
  GgufTensor tensor;
  QUIRE_ASSIGN_OR_RETURN(tensor.name, reader.ReadString("tensor"));
  if (tensor.name.empty() || tensor.name.size() > kMaxGgufNameBytes ||
      !IsPrintableAscii(tensor.name)) {
    return DataLoss("tensor: wanted a name of 1 to {} printable characters, have {} bytes",
                    kMaxGgufNameBytes, tensor.name.size());
  }
  QUIRE_RETURN_IF_ERROR(ReadShape(reader, tensor));
  QUIRE_RETURN_IF_ERROR(ReadType(reader, tensor));
  QUIRE_ASSIGN_OR_RETURN(tensor.begin, reader.Read<std::uint64_t>(tensor.name));
  const std::optional<std::uint64_t> bytes = TensorBytes(tensor);
  const std::optional<std::uint64_t> end = bytes ? CheckedAdd(tensor.begin, *bytes) : std::nullopt;
  if (!end) return DataLoss("tensor {}: wanted a size below 2^64, have more", tensor.name);
  tensor.end = *end;
  return tensor;
}

// `position` rounded up; nothing if that overflows.
std::optional<std::uint64_t> Align(std::uint64_t position, std::uint64_t alignment) {
  const std::optional<std::uint64_t> up = CheckedAdd(position, alignment - 1);
  if (!up) return std::nullopt;
  return *up / alignment * alignment;
}

// Tensors follow each other, and end before the file does.
Status CheckLayout(const std::vector<GgufTensor>& tensors, std::uint64_t alignment,
                   std::uint64_t data_bytes) {
  std::uint64_t position = 0;
  for (const GgufTensor& tensor : tensors) {
    if (tensor.begin != position) {
      return DataLoss("tensor {}: wanted offset {} where the one before it ends, have {}",
                      tensor.name, position, tensor.begin);
    }
    if (tensor.end > data_bytes) {
      return DataLoss("tensor {}: wanted bytes within {}, have [{}, {}): the file is truncated",
                      tensor.name, data_bytes, tensor.begin, tensor.end);
    }
    position = *Align(tensor.end, alignment);  // end is at most the file's size
  }
  return OkStatus();
}

StatusOr<std::vector<GgufTensor>> ReadTensors(GgufReader& reader, const Header& header,
                                              std::uint64_t alignment) {
  std::vector<GgufTensor> tensors;
  tensors.reserve(header.num_tensors);
  for (std::uint64_t i = 0; i < header.num_tensors; ++i) {
    QUIRE_ASSIGN_OR_RETURN(GgufTensor tensor, ReadTensor(reader));
    tensors.push_back(std::move(tensor));
  }
  const std::uint64_t file_bytes = reader.position() + reader.remaining();
  const std::uint64_t data_begin = std::min(*Align(reader.position(), alignment), file_bytes);
  QUIRE_RETURN_IF_ERROR(CheckLayout(tensors, alignment, file_bytes - data_begin));
  for (GgufTensor& tensor : tensors) {
    tensor.begin += data_begin;
    tensor.end += data_begin;
  }
  return tensors;
}

Status CheckNames(const std::vector<GgufTensor>& tensors) {
  std::vector<std::string_view> names;
  names.reserve(tensors.size());
  for (const GgufTensor& tensor : tensors) names.push_back(tensor.name);
  std::sort(names.begin(), names.end());
  const auto twice = std::adjacent_find(names.begin(), names.end());
  if (twice == names.end()) return OkStatus();
  return DataLoss("tensor {}: wanted it once, have it twice", *twice);
}

}  // namespace

StatusOr<std::shared_ptr<const GgufFile>> GgufFile::Open(const std::string& path,
                                                         MappedFile::Wanted wanted) {
  QUIRE_ASSIGN_OR_RETURN(std::unique_ptr<MappedFile> file, MappedFile::Open(path, wanted));
  GgufReader reader(file->bytes());
  const std::shared_ptr<const MappedFileState> state = file->state();
  const auto read = [&]() -> StatusOr<std::shared_ptr<const GgufFile>> {
    QUIRE_ASSIGN_OR_RETURN(const Header header, ReadHeader(reader));
    QUIRE_ASSIGN_OR_RETURN(GgufMetadata metadata,
                           GgufMetadata::Read(reader, header.num_keys, path));
    QUIRE_ASSIGN_OR_RETURN(const std::uint64_t alignment, Alignment(metadata));
    QUIRE_ASSIGN_OR_RETURN(std::vector<GgufTensor> tensors, ReadTensors(reader, header, alignment));
    QUIRE_RETURN_IF_ERROR(CheckNames(tensors));
    return std::shared_ptr<const GgufFile>(
        new GgufFile(std::move(file), header.version, std::move(metadata), std::move(tensors)));
  };
  auto result = read();
  // Whatever zeros in place of the file read like.
  QUIRE_RETURN_IF_ERROR(state->CheckUnchanged());
  // What the metadata's accessors say names the file already.
  if (result.ok() || absl::IsInvalidArgument(result.status())) return result;
  return Annotate(result.status(), path);
}

GgufFile::GgufFile(std::unique_ptr<MappedFile> file, std::uint32_t version, GgufMetadata metadata,
                   std::vector<GgufTensor> tensors)
    : file_(std::move(file)),
      version_(version),
      metadata_(std::move(metadata)),
      tensors_(std::move(tensors)) {
  for (const GgufTensor& tensor : tensors_) by_name_.emplace(tensor.name, &tensor);
}

const GgufTensor* GgufFile::Find(std::string_view name) const {
  const auto found = by_name_.find(name);
  return found == by_name_.end() ? nullptr : found->second;
}

std::span<const std::uint8_t> GgufFile::bytes(const GgufTensor& tensor) const {
  return file_->bytes().subspan(tensor.begin, tensor.size_bytes());
}

StatusOr<std::shared_ptr<const GgufFile>> OpenIfGguf(const std::string& path,
                                                     MappedFile::Wanted wanted) {
  if (!IsGgufPath(path)) return std::shared_ptr<const GgufFile>();
  return GgufFile::Open(path, wanted);
}

}  // namespace quire::engine
