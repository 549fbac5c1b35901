#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "base/mapped_file.h"
#include "base/status.h"
#include "engine/formats/tensor_dtype.h"

namespace quire::engine {

// One tensor of a file, row-major.
struct TensorInfo {
  std::string name;
  TensorDType dtype = TensorDType::kF32;
  std::vector<std::int64_t> shape;  // outermost first; empty for a scalar
  std::uint64_t begin = 0;          // byte offsets from the start of the file, [begin, end)
  std::uint64_t end = 0;

  std::uint64_t size_bytes() const { return end - begin; }
};

// "[32000, 2048]"
std::string ShapeText(std::span<const std::int64_t> shape);

// A safetensors file, mapped and checked. Every rule of the reference reader is enforced: header of
// at most 100,000,000 bytes that starts with '{', no duplicate names, sizes that equal shape times
// element, tensors that cover the whole buffer without hole or overlap.
// Source: huggingface/safetensors, README.md and safetensors/src/tensor.rs.
//
// Thread-safe: immutable.
class SafetensorsFile {
 public:
  // Returns NOT_FOUND if there is no such file, DATA_LOSS naming file, tensor and reason if it
  // breaks a rule, UNIMPLEMENTED if it is a pickle, which we do not read.
  static StatusOr<std::shared_ptr<const SafetensorsFile>> Open(const std::string& path);

  const std::string& path() const { return file_->path(); }
  // Whether what bytes() gives still is the file's, see MappedFileState.
  std::shared_ptr<const MappedFileState> state() const { return file_->state(); }
  // The whole file, header included.
  std::span<const std::uint8_t> content() const { return file_->bytes(); }
  // By position in the file.
  const std::vector<TensorInfo>& tensors() const { return tensors_; }
  const std::map<std::string, std::string>& metadata() const { return metadata_; }
  // Null if the file does not hold `name`.
  const TensorInfo* Find(std::string_view name) const;
  // The elements of one of tensors(). Not aligned: the format promises nothing.
  std::span<const std::uint8_t> bytes(const TensorInfo& tensor) const;

 private:
  SafetensorsFile(std::unique_ptr<MappedFile> file, std::vector<TensorInfo> tensors,
                  std::map<std::string, std::string> metadata);

  const std::unique_ptr<MappedFile> file_;
  const std::vector<TensorInfo> tensors_;
  const std::map<std::string, std::string> metadata_;
  std::unordered_map<std::string_view, const TensorInfo*> by_name_;  // into tensors_
};

}  // namespace quire::engine
