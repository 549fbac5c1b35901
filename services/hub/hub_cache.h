#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/status.h"
#include "services/hub/model_reference.h"

namespace quire::services::hub {

// The downloads of a hub as huggingface_hub lays them out, so that both find what the other has:
//
//   models--ORG--REPO/refs/main            the commit that a branch or tag meant when it was asked
//   for models--ORG--REPO/snapshots/COMMIT/..  the files of that commit: relative links to blobs
//   models--ORG--REPO/blobs/ETAG           contents by their hash
//   models--ORG--REPO/blobs/ETAG.incomplete
//   .locks/models--ORG--REPO/ETAG.lock     held while a blob is downloaded
//
// Source: huggingface/huggingface_hub, file_download.py.
//
// Thread-compatible; several processes may use one cache.
class HubCache {
 public:
  explicit HubCache(std::filesystem::path root) : root_(std::move(root)) {}

  // Held by one process at a time, until it goes.
  class Lock {
   public:
    explicit Lock(int fd) : fd_(fd) {}
    ~Lock();
    Lock(const Lock&) = delete;
    Lock& operator=(const Lock&) = delete;

   private:
    const int fd_;
  };

  // The commit that `revision` meant last, or `revision` itself if it is one; nothing if nobody
  // asked.
  std::optional<std::string> FindCommit(const std::string& repo, const std::string& revision) const;
  // Notes what `revision` means. Does nothing if it is the commit.
  Status SetCommit(const std::string& repo, const std::string& revision,
                   const std::string& commit) const;

  // Where the files of a commit are, there or not.
  std::filesystem::path SnapshotPath(const std::string& repo, const std::string& commit) const;
  std::filesystem::path BlobPath(const std::string& repo, const std::string& etag) const;
  // Puts the blob into the snapshot under the name `file`, in place of what stood there.
  Status LinkBlob(const std::string& repo, const std::string& commit, const std::string& file,
                  const std::string& etag) const;

  // Waits until nobody else downloads this blob. `is_waiting` is called once if somebody does.
  StatusOr<std::unique_ptr<Lock>> LockBlob(const std::string& repo, const std::string& etag,
                                           const std::function<void()>& is_waiting) const;

  // A repository of which something is here.
  struct Entry {
    std::string repo;
    std::filesystem::path path;    // models--ORG--REPO
    std::uint64_t size_bytes = 0;  // of its blobs
  };
  // By name.
  std::vector<Entry> List() const;

 private:
  std::filesystem::path RepoPath(const std::string& repo) const;

  const std::filesystem::path root_;
};

// True for 40 hexadecimal digits.
bool IsCommit(std::string_view text);

// "REPO" for a path in a snapshot of models--ORG--REPO, nothing for other paths.
std::optional<std::string> RepoNameOfSnapshot(const std::filesystem::path& path);

}  // namespace quire::services::hub
