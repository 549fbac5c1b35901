#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "base/bus_errors.h"
#include "base/status.h"

namespace quire {

// Tells whether a file still is what was mapped: bytes of a mapping are the file's bytes of now,
// and zeros where it has none (see BusErrorGuard). Lives as long as anybody asks, the mapping or
// not.
//
// Thread-safe.
class MappedFileState {
 public:
  // Takes over `fd`, open on `path`, a file of `size` bytes that was last written at `modified_ns`
  // since the epoch.
  MappedFileState(std::string path, int fd, std::size_t size, std::int64_t modified_ns)
      : path_(std::move(path)), fd_(fd), size_(size), modified_ns_(modified_ns) {}
  ~MappedFileState();
  MappedFileState(const MappedFileState&) = delete;
  MappedFileState& operator=(const MappedFileState&) = delete;

  // Returns DATA_LOSS naming the file if, since it was mapped, it was truncated or written to, or a
  // page of it could not be read. What was read from the mapping before this call is then good for
  // nothing; else it was the file's. Costs one system call.
  Status CheckUnchanged() const;

  const std::string& path() const { return path_; }
  // Set when a read of the mapping found nothing to read.
  std::atomic<bool>& is_lost() { return is_lost_; }

 private:
  const std::string path_;
  const int fd_;
  const std::size_t size_;
  const std::int64_t modified_ns_;
  std::atomic<bool> is_lost_ = false;
};

// Files that something was read from, or is.
using MappedFileStates = std::vector<std::shared_ptr<const MappedFileState>>;

// The first error of their CheckUnchanged.
Status CheckUnchanged(const MappedFileStates& files);

// A regular file mapped read-only. Asks for huge pages. Thread-safe: immutable, but for what others
// do to the file; CheckUnchanged of its state tells.
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
  const std::string& path() const { return state_->path(); }
  // Its owners: this and whoever asks after what it has read.
  std::shared_ptr<const MappedFileState> state() const { return state_; }
  Status CheckUnchanged() const { return state_->CheckUnchanged(); }

 private:
  MappedFile(std::shared_ptr<MappedFileState> state, const std::uint8_t* data, std::size_t size)
      : state_(std::move(state)), data_(data), size_(size) {
    if (size > 0) guard_.emplace(data, size, state_->is_lost());
  }

  const std::shared_ptr<MappedFileState> state_;
  const std::uint8_t* const data_;
  const std::size_t size_;
  std::optional<BusErrorGuard> guard_;  // gone before the mapping is
};

// Whole content of a small file. Returns NOT_FOUND if absent, INVALID_ARGUMENT if larger than
// `max_bytes`, DATA_LOSS if it becomes shorter meanwhile.
StatusOr<std::string> ReadFile(const std::string& path, std::size_t max_bytes);

}  // namespace quire
