#include "base/mapped_file.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

namespace quire {
namespace {

// Closes a descriptor at the end of a scope.
class ScopedFd {
 public:
  explicit ScopedFd(int fd) : fd_(fd) {}
  ~ScopedFd() {
    if (fd_ >= 0) ::close(fd_);
  }
  ScopedFd(const ScopedFd&) = delete;
  ScopedFd& operator=(const ScopedFd&) = delete;
  int get() const { return fd_; }

 private:
  const int fd_;
};

struct OpenedFile {
  int fd;
  std::size_t size;
  std::int64_t modified_ns;  // since the epoch
};

std::int64_t ModifiedNs(const struct stat& status) {
  return std::int64_t{status.st_mtim.tv_sec} * 1'000'000'000 + status.st_mtim.tv_nsec;
}

// Opens a regular file and tells its size.
StatusOr<OpenedFile> OpenRegular(const std::string& path) {
  const int fd = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
  if (fd < 0) {
    if (errno == ENOENT || errno == ENOTDIR) return NotFound("{}: no such file", path);
    return InvalidArgument("{}: {}", path, std::strerror(errno));
  }
  struct stat status {};
  if (::fstat(fd, &status) != 0 || !S_ISREG(status.st_mode)) {
    ::close(fd);
    return InvalidArgument("{}: not a regular file", path);
  }
  return OpenedFile{fd, static_cast<std::size_t>(status.st_size), ModifiedNs(status)};
}

}  // namespace

MappedFileState::~MappedFileState() { ::close(fd_); }

Status MappedFileState::CheckUnchanged() const {
  struct stat status {};
  if (::fstat(fd_, &status) != 0) return DataLoss("{}: {}", path_, std::strerror(errno));
  const auto size = static_cast<std::size_t>(status.st_size);
  if (size < size_) {
    return DataLoss(
        "{}: wanted the {} bytes that were mapped, have {}: the file was truncated "
        "while in use",
        path_, size_, size);
  }
  if (size != size_ || ModifiedNs(status) != modified_ns_) {
    return DataLoss(
        "{}: wanted the file that was mapped, have another: it was written to while in "
        "use",
        path_);
  }
  if (is_lost_) return DataLoss("{}: a page could not be read while in use", path_);
  return OkStatus();
}

Status CheckUnchanged(const MappedFileStates& files) {
  for (const auto& file : files) QUIRE_RETURN_IF_ERROR(file->CheckUnchanged());
  return OkStatus();
}

StatusOr<std::unique_ptr<MappedFile>> MappedFile::Open(const std::string& path, Wanted wanted) {
  QUIRE_ASSIGN_OR_RETURN(const OpenedFile file, OpenRegular(path));
  auto state = std::make_shared<MappedFileState>(path, file.fd, file.size, file.modified_ns);
  if (file.size == 0) {
    return std::unique_ptr<MappedFile>(new MappedFile(std::move(state), nullptr, 0));
  }
  void* data = ::mmap(nullptr, file.size, PROT_READ, MAP_PRIVATE, file.fd, 0);
  if (data == MAP_FAILED) return Internal("{}: mmap: {}", path, std::strerror(errno));
  // Advice only: a kernel without huge pages for files refuses, and nothing is lost.
  ::madvise(data, file.size, MADV_HUGEPAGE);
  if (wanted == Wanted::kAll) ::madvise(data, file.size, MADV_WILLNEED);
  return std::unique_ptr<MappedFile>(
      new MappedFile(std::move(state), static_cast<const std::uint8_t*>(data), file.size));
}

MappedFile::~MappedFile() {
  guard_.reset();
  if (size_ > 0) ::munmap(const_cast<std::uint8_t*>(data_), size_);
}

StatusOr<std::string> ReadFile(const std::string& path, std::size_t max_bytes) {
  QUIRE_ASSIGN_OR_RETURN(const OpenedFile file, OpenRegular(path));
  const ScopedFd fd(file.fd);
  if (file.size > max_bytes) {
    return InvalidArgument("{}: wanted at most {} bytes, have {}", path, max_bytes, file.size);
  }
  std::string content(file.size, '\0');
  std::size_t done = 0;
  while (done < content.size()) {
    const ssize_t n = ::read(fd.get(), content.data() + done, content.size() - done);
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) return DataLoss("{}: {}", path, std::strerror(errno));
    if (n == 0) {
      return DataLoss("{}: wanted {} bytes, have {}: the file was truncated while it was read",
                      path, content.size(), done);
    }
    done += static_cast<std::size_t>(n);
  }
  return content;
}

}  // namespace quire
