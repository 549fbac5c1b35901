#pragma once

#include <memory>
#include <string>

#include "base/status.h"

namespace quire::retrieval {

// Keeps a directory for this process until destruction: an flock on the file "lock" in it, which
// the kernel drops when the process dies.
class DirectoryLock {
 public:
  // Creates the directory if it is absent. Returns FAILED_PRECONDITION if it is taken, by another
  // process or in this one, and FAILED_PRECONDITION naming the system's reason if it cannot be
  // used.
  static StatusOr<std::unique_ptr<DirectoryLock>> Acquire(const std::string& directory);
  ~DirectoryLock();
  DirectoryLock(const DirectoryLock&) = delete;
  DirectoryLock& operator=(const DirectoryLock&) = delete;

 private:
  explicit DirectoryLock(int descriptor) : descriptor_(descriptor) {}
  const int descriptor_;
};

}  // namespace quire::retrieval
