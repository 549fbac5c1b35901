#include "retrieval/store/directory_lock.h"

#include <fcntl.h>
#include <sys/file.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <filesystem>
#include <system_error>

namespace quire::retrieval {

StatusOr<std::unique_ptr<DirectoryLock>> DirectoryLock::Acquire(const std::string& directory) {
  std::error_code error;
  std::filesystem::create_directories(directory, error);
  if (error) {
    return FailedPrecondition("data directory {}: wanted to create it, have \"{}\"", directory,
                              error.message());
  }
  const std::string path = (std::filesystem::path(directory) / "lock").string();
  const int descriptor = ::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0644);
  if (descriptor < 0) {
    return FailedPrecondition("data directory {}: wanted a writable directory, have \"{}\"",
                              directory, std::strerror(errno));
  }
  if (::flock(descriptor, LOCK_EX | LOCK_NB) != 0) {
    ::close(descriptor);
    return FailedPrecondition(
        "data directory {}: wanted it for this process, have it in use by another", directory);
  }
  return std::unique_ptr<DirectoryLock>(new DirectoryLock(descriptor));
}

DirectoryLock::~DirectoryLock() { ::close(descriptor_); }

}  // namespace quire::retrieval
