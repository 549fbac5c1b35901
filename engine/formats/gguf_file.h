#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "base/mapped_file.h"
#include "base/status.h"
#include "engine/formats/gguf_metadata.h"
#include "engine/formats/gguf_types.h"

namespace quire::engine {

// One tensor of a GGUF file, row-major. Every row is whole blocks.
struct GgufTensor {
  std::string_view name;
  GgufTensorType type = GgufTensorType::kF32;
  std::vector<std::int64_t> shape;  // outermost first, the reverse of the file; empty: a scalar
  std::uint64_t begin = 0;          // byte offsets from the start of the file, [begin, end)
  std::uint64_t end = 0;

  std::uint64_t size_bytes() const { return end - begin; }
};

// A GGUF file of version 2 or 3, mapped and checked: every count fits into what follows it, no key
// or tensor comes twice, shapes are whole blocks, and tensors follow each other within the file,
// each at a multiple of the alignment, as the reference reader demands. Source: ggml, docs/gguf.md
// and src/gguf.cpp.
//
// Thread-safe: immutable.
class GgufFile {
 public:
  // Returns NOT_FOUND if there is no such file, DATA_LOSS naming file, key or tensor, and reason if
  // it breaks a rule, UNIMPLEMENTED for other versions and byte orders.
  static StatusOr<std::shared_ptr<const GgufFile>> Open(
      const std::string& path, MappedFile::Wanted wanted = MappedFile::Wanted::kAll);

  const std::string& path() const { return file_->path(); }
  // Whether metadata() and bytes() still are the file's, see MappedFileState.
  std::shared_ptr<const MappedFileState> state() const { return file_->state(); }
  Status CheckUnchanged() const { return file_->CheckUnchanged(); }
  std::uint32_t version() const { return version_; }
  const GgufMetadata& metadata() const { return metadata_; }
  // In file order.
  const std::vector<GgufTensor>& tensors() const { return tensors_; }
  // Null if the file does not hold `name`.
  const GgufTensor* Find(std::string_view name) const;
  // The blocks of one of tensors(), aligned to the file's alignment, at least 8.
  std::span<const std::uint8_t> bytes(const GgufTensor& tensor) const;

 private:
  GgufFile(std::unique_ptr<MappedFile> file, std::uint32_t version, GgufMetadata metadata,
           std::vector<GgufTensor> tensors);

  const std::unique_ptr<MappedFile> file_;
  const std::uint32_t version_;
  const GgufMetadata metadata_;            // borrows the file
  const std::vector<GgufTensor> tensors_;  // so do their names
  std::unordered_map<std::string_view, const GgufTensor*> by_name_;
};

// True if a model at this path is one GGUF file and not a directory.
inline bool IsGgufPath(std::string_view path) { return path.ends_with(".gguf"); }

// The file of the model at `path`, or null where it is a directory. Errors as GgufFile::Open.
StatusOr<std::shared_ptr<const GgufFile>> OpenIfGguf(
    const std::string& path, MappedFile::Wanted wanted = MappedFile::Wanted::kAll);

}  // namespace quire::engine
