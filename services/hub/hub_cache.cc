#include "services/hub/hub_cache.h"

#include <fcntl.h>
#include <sys/file.h>
#include <unistd.h>

#include <algorithm>
#include <cctype>
#include <cerrno>
#include <cstring>
#include <fstream>

#include "base/mapped_file.h"

namespace quire::services::hub {
namespace {

namespace fs = std::filesystem;

constexpr std::string_view kRepoPrefix = "models--";
constexpr std::size_t kMaxRefBytes = 256;

// "models--org--repo"
std::string RepoFolder(const std::string& repo) {
  std::string folder(kRepoPrefix);
  for (const char c : repo) folder += c == '/' ? std::string("--") : std::string(1, c);
  return folder;
}

// "org/repo"; nothing for another folder.
std::optional<std::string> RepoOfFolder(std::string_view folder) {
  if (!folder.starts_with(kRepoPrefix)) return std::nullopt;
  std::string repo(folder.substr(kRepoPrefix.size()));
  const std::size_t slash = repo.find("--");
  if (slash != repo.npos) repo.replace(slash, 2, "/");
  return ParseModelReference(repo).ok() ? std::optional(repo) : std::nullopt;
}

Status MakeParent(const fs::path& path) {
  std::error_code error;
  fs::create_directories(path.parent_path(), error);
  if (error) return Internal("{}: {}", path.parent_path().string(), error.message());
  return OkStatus();
}

// A name beside `path` that nobody else has.
fs::path TemporaryName(const fs::path& path) {
  return path.string() + fmt::format(".{}.tmp", ::getpid());
}

// Puts `temporary` in the place of `path` at once.
Status MoveOver(const fs::path& temporary, const fs::path& path) {
  std::error_code error;
  fs::rename(temporary, path, error);
  if (error) return Internal("{}: {}", path.string(), error.message());
  return OkStatus();
}

}  // namespace

bool IsCommit(std::string_view text) {
  return text.size() == 40 && std::all_of(text.begin(), text.end(),
                                          [](unsigned char c) { return std::isxdigit(c) != 0; });
}

std::optional<std::string> RepoNameOfSnapshot(const fs::path& path) {
  std::string_view repo_folder;
  const fs::path normal = path.lexically_normal();
  std::vector<std::string> parts;
  for (const fs::path& part : normal) parts.push_back(part.string());
  for (std::size_t i = 2; i < parts.size(); ++i) {
    if (parts[i - 1] == "snapshots") repo_folder = parts[i - 2];
  }
  const auto repo = RepoOfFolder(repo_folder);
  if (!repo) return std::nullopt;
  return repo->substr(repo->rfind('/') + 1);
}

HubCache::Lock::~Lock() {
  ::flock(fd_, LOCK_UN);
  ::close(fd_);
}

fs::path HubCache::RepoPath(const std::string& repo) const { return root_ / RepoFolder(repo); }

std::optional<std::string> HubCache::FindCommit(const std::string& repo,
                                                const std::string& revision) const {
  if (IsCommit(revision)) return revision;
  const fs::path path = RepoPath(repo) / "refs" / revision;
  const auto content = ReadFile(path.string(), kMaxRefBytes);
  if (!content.ok()) return std::nullopt;
  const std::string commit = content->substr(0, content->find_last_not_of(" \r\n") + 1);
  return IsCommit(commit) ? std::optional(commit) : std::nullopt;
}

Status HubCache::SetCommit(const std::string& repo, const std::string& revision,
                           const std::string& commit) const {
  if (revision == commit || FindCommit(repo, revision) == commit) return OkStatus();
  const fs::path path = RepoPath(repo) / "refs" / revision;
  QUIRE_RETURN_IF_ERROR(MakeParent(path));
  const fs::path temporary = TemporaryName(path);
  {
    std::ofstream file(temporary);
    if (!(file << commit).flush()) return Internal("{}: cannot be written", temporary.string());
  }
  return MoveOver(temporary, path);
}

fs::path HubCache::SnapshotPath(const std::string& repo, const std::string& commit) const {
  return RepoPath(repo) / "snapshots" / commit;
}

fs::path HubCache::BlobPath(const std::string& repo, const std::string& etag) const {
  return RepoPath(repo) / "blobs" / etag;
}

Status HubCache::LinkBlob(const std::string& repo, const std::string& commit,
                          const std::string& file, const std::string& etag) const {
  const fs::path link = SnapshotPath(repo, commit) / file;
  QUIRE_RETURN_IF_ERROR(MakeParent(link));
  const fs::path target = BlobPath(repo, etag).lexically_relative(link.parent_path());
  std::error_code error;
  if (fs::read_symlink(link, error) == target) return OkStatus();
  const fs::path temporary = TemporaryName(link);
  fs::remove(temporary, error);
  fs::create_symlink(target, temporary, error);
  if (error) return Internal("{}: {}", link.string(), error.message());
  return MoveOver(temporary, link);
}

StatusOr<std::unique_ptr<HubCache::Lock>> HubCache::LockBlob(
    const std::string& repo, const std::string& etag,
    const std::function<void()>& is_waiting) const {
  const fs::path path = root_ / ".locks" / RepoFolder(repo) / (etag + ".lock");
  QUIRE_RETURN_IF_ERROR(MakeParent(path));
  const int fd = ::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0644);
  if (fd < 0) return Internal("{}: {}", path.string(), std::strerror(errno));
  auto lock = std::make_unique<Lock>(fd);
  if (::flock(fd, LOCK_EX | LOCK_NB) == 0) return lock;
  if (errno == EWOULDBLOCK) is_waiting();
  while (::flock(fd, LOCK_EX) != 0) {
    if (errno != EINTR) return Internal("{}: {}", path.string(), std::strerror(errno));
  }
  return lock;
}

std::vector<HubCache::Entry> HubCache::List() const {
  std::vector<Entry> entries;
  std::error_code error;
  for (fs::directory_iterator it(root_, error), end; !error && it != end; it.increment(error)) {
    const auto repo = RepoOfFolder(it->path().filename().string());
    if (!repo) continue;
    Entry entry = {.repo = *repo, .path = it->path()};
    std::error_code ignored;
    for (fs::directory_iterator blob(it->path() / "blobs", ignored); !ignored && blob != end;
         blob.increment(ignored)) {
      if (blob->is_regular_file(ignored)) entry.size_bytes += blob->file_size(ignored);
    }
    entries.push_back(std::move(entry));
  }
  std::sort(entries.begin(), entries.end(),
            [](const Entry& a, const Entry& b) { return a.repo < b.repo; });
  return entries;
}

}  // namespace quire::services::hub
