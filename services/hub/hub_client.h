#pragma once

#include <cstdint>
#include <functional>
#include <string>

#include "base/status.h"
#include "services/hub/http_client.h"
#include "services/hub/hub_cache.h"
#include "services/hub/hub_settings.h"
#include "services/hub/model_reference.h"
#include "services/hub/repository.h"

namespace quire::services::hub {

// How far one file of a download is.
struct DownloadProgress {
  std::string file;
  std::int64_t done_bytes = 0;
  std::int64_t total_bytes = 0;
};
// Called for every piece, from the downloading thread; false ends the download, which can be
// resumed.
using OnProgress = std::function<bool(const DownloadProgress& progress)>;

// Brings models of a hub to this machine, into the cache that huggingface_hub uses.
//
// Thread-compatible.
class HubClient {
 public:
  explicit HubClient(HubSettings settings);

  // The directory, or the .gguf file, of the model that `reference` names: what is missing of it is
  // downloaded, the files that the engine reads and no others. Every content is checked against the
  // hub's size and, where the hub tells it, hash. Interrupted downloads go on where they stopped.
  //
  // Where the hub cannot be reached, or offline, what was downloaded before is the answer. Returns
  // NOT_FOUND if there is no such repository, revision or file, or nothing of it here when offline;
  // UNAUTHENTICATED or PERMISSION_DENIED if the hub wants a token or another one; UNAVAILABLE if
  // the hub is away; DATA_LOSS if it sends something else than it promised; UNIMPLEMENTED if the
  // repository has no weights that are read here; RESOURCE_EXHAUSTED if the disk is too small;
  // CANCELLED if `on_progress` said so.
  StatusOr<std::string> Pull(const ModelReference& reference, const OnProgress& on_progress);

  // What is here already, without asking the hub. Returns NOT_FOUND if nothing is.
  StatusOr<std::string> FindLocal(const ModelReference& reference) const;

 private:
  // One file at one commit, as the hub describes it.
  struct RemoteFile {
    std::string name;
    std::string url;
    std::string etag;  // name of the blob
    std::int64_t size_bytes = 0;
  };
  // What a download works on.
  struct Download {
    const ModelReference& reference;
    const Repository& repository;
    const OnProgress& on_progress;
  };

  StatusOr<std::string> PullOnline(const ModelReference& reference, const OnProgress& on_progress);
  StatusOr<Repository> FetchRepository(const ModelReference& reference);
  Status FetchModel(const Download& download);
  // Makes sure that the snapshot holds the file.
  Status FetchFile(const Download& download, const std::string& name);
  StatusOr<RemoteFile> FetchHead(const Download& download, const std::string& name);
  Status FetchBlob(const Download& download, const RemoteFile& file);
  // One attempt to get the bytes that `incomplete` lacks.
  Status FetchBytes(const Download& download, const RemoteFile& file,
                    const std::filesystem::path& incomplete);
  StatusOr<std::string> ReadSnapshotFile(const Download& download, std::string_view name) const;
  bool IsInSnapshot(const Download& download, const std::string& name) const;

  const HubSettings settings_;
  const HubCache cache_;
  HttpClient http_;
};

}  // namespace quire::services::hub
