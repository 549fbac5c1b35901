#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>

#include "base/status.h"

namespace quire {

// A regular file mapped read-only. Asks for huge pages. Thread-safe: immutable.
class MappedFile {
 public:
  // What of the file is wanted: all of it soon, or some of it.
  enum class Wanted { kAll, kSome };

  // Returns NOT_FOUND if `path` does not exist, INVALID_ARGUMENT if it is no regular file,
  // INTERNAL if the system refuses the mapping. An empty file maps to no bytes.
  static StatusOr<std::unique_ptr<MappedFile>> Open(const std::string& path,
                                                    Wanted wanted = Wanted::kAll);

  ~MappedFile();
  MappedFile(const MappedFile&) = delete;
  MappedFile& operator=(const MappedFile&) = delete;

  std::span<const std::uint8_t> bytes() const { return {data_, size_}; }
  const std::string& path() const { return path_; }

 private:
  MappedFile(std::string path, const std::uint8_t* data, std::size_t size)
      : path_(std::move(path)), data_(data), size_(size) {}

  const std::string path_;
  const std::uint8_t* const data_;
  const std::size_t size_;
};

// Whole content of a small file. Returns NOT_FOUND if absent, INVALID_ARGUMENT if larger than
// `max_bytes`.
StatusOr<std::string> ReadFile(const std::string& path, std::size_t max_bytes);

}  // namespace quire
