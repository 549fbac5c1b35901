#include "services/hub/hub_client.h"

#include <algorithm>
#include <cctype>
#include <chrono>
#include <fstream>
#include <thread>

#include "base/log.h"
#include "base/mapped_file.h"
#include "services/hub/blob_file.h"

namespace quire::services::hub {
namespace {

namespace fs = std::filesystem;

constexpr std::size_t kMaxListBytes = std::size_t{64} << 20;
constexpr std::size_t kMaxIndexBytes = std::size_t{64} << 20;
constexpr int kAttempts = 5;
constexpr std::chrono::milliseconds kFirstRetryDelay{500};

// What an answer without the wanted content means. `what` names what was asked for.
Status StatusOfAnswer(const HttpResponse& response, const std::string& what) {
  const std::string error = response.header("x-error-code");
  const std::string message = response.header("x-error-message");
  switch (response.status) {
    case 401:
      // The hub says the same of what is not there and of what is private.
      if (error == "RepoNotFound") {
        return NotFound("{}: no such repository, or a private one; HF_TOKEN may give access", what);
      }
      return absl::UnauthenticatedError(
          fmt::format("{}: the hub wants a token: set HF_TOKEN", what));
    case 403:
      return absl::PermissionDeniedError(
          fmt::format("{}: {}", what,
                      error == "GatedRepo" && message.empty()
                          ? "access must be asked for on the hub's page of the model"
                          : (message.empty() ? "the token gives no access" : message)));
    case 404:
      return NotFound("{}: {}", what, message.empty() ? "the hub has no such thing" : message);
    default:
      return Unavailable("{}: the hub answered {}", what, response.status);
  }
}

bool IsTransient(const Status& status) { return absl::IsUnavailable(status); }

// "abc" of "\"abc\"" and "W/\"abc\"".
std::string BareEtag(std::string etag) {
  if (etag.starts_with("W/")) etag.erase(0, 2);
  if (etag.size() >= 2 && etag.front() == '"' && etag.back() == '"') {
    etag = etag.substr(1, etag.size() - 2);
  }
  return etag;
}

// It becomes the name of a file.
bool IsBlobName(std::string_view etag) {
  constexpr std::size_t kMaxEtagBytes = 128;
  return !etag.empty() && etag.size() <= kMaxEtagBytes &&
         std::all_of(etag.begin(), etag.end(),
                     [](unsigned char c) { return std::isalnum(c) != 0 || c == '-' || c == '_'; });
}

std::optional<std::int64_t> ParseSize(const std::string& text) {
  constexpr std::size_t kMaxDigits = 18;
  if (text.empty() || text.size() > kMaxDigits ||
      !std::all_of(text.begin(), text.end(), [](char c) { return c >= '0' && c <= '9'; })) {
    return std::nullopt;
  }
  return std::stoll(text);
}

// The total of "bytes 5-9/10".
std::optional<std::int64_t> TotalOfRange(const std::string& content_range) {
  const std::size_t slash = content_range.find('/');
  if (slash == std::string::npos) return std::nullopt;
  return ParseSize(content_range.substr(slash + 1));
}

}  // namespace

HubClient::HubClient(HubSettings settings)
    : settings_(std::move(settings)),
      cache_(settings_.cache_dir),
      http_(settings_.token, settings_.endpoint) {}

StatusOr<std::string> HubClient::FindLocal(const ModelReference& reference) const {
  const auto commit = cache_.FindCommit(reference.repo, reference.revision);
  if (commit) {
    const fs::path path = cache_.SnapshotPath(reference.repo, *commit) / reference.file;
    const fs::path found = reference.file.empty() ? path.parent_path() : path;
    std::error_code error;
    if (fs::exists(found, error)) return found.string();
  }
  return NotFound("{}: not in {}", FormatModelReference(reference), settings_.cache_dir);
}

StatusOr<std::string> HubClient::Pull(const ModelReference& reference,
                                      const OnProgress& on_progress) {
  if (settings_.offline) {
    auto local = FindLocal(reference);
    if (!local.ok()) return Annotate(local.status(), "HF_HUB_OFFLINE is set");
    return local;
  }
  auto pulled = PullOnline(reference, on_progress);
  if (!absl::IsUnavailable(pulled.status())) return pulled;
  auto local = FindLocal(reference);
  if (!local.ok()) return pulled;
  log::Warn("{}; going on with {}", Message(pulled.status()), *local);
  return local;
}

StatusOr<std::string> HubClient::PullOnline(const ModelReference& reference,
                                            const OnProgress& on_progress) {
  QUIRE_ASSIGN_OR_RETURN(const Repository repository, FetchRepository(reference));
  const Download download = {reference, repository, on_progress};
  if (reference.file.empty()) {
    QUIRE_RETURN_IF_ERROR(FetchModel(download));
  } else {
    if (!repository.Contains(reference.file)) {
      return NotFound("{}: the repository has no such file", FormatModelReference(reference));
    }
    QUIRE_RETURN_IF_ERROR(FetchFile(download, reference.file));
  }
  // Last: a revision that is known is there in full.
  QUIRE_RETURN_IF_ERROR(cache_.SetCommit(reference.repo, reference.revision, repository.commit));
  return FindLocal(reference);
}

StatusOr<Repository> HubClient::FetchRepository(const ModelReference& reference) {
  const std::string what = FormatModelReference(reference);
  std::string body;
  bool too_long = false;
  HttpRequest request;
  request.url =
      fmt::format("{}/api/models/{}/revision/{}", settings_.endpoint, EscapePath(reference.repo),
                  // A slash in a revision's name is no slash of the path.
                  EscapeSegment(reference.revision));
  request.on_body = [&](std::string_view piece) {
    too_long = body.size() + piece.size() > kMaxListBytes;
    if (!too_long) body += piece;
    return !too_long;
  };
  const auto response = http_.Send(request);
  if (too_long) return DataLoss("{}: wanted a list of at most {} bytes", what, kMaxListBytes);
  QUIRE_RETURN_IF_ERROR(response.status());
  if (response->status != 200) return StatusOfAnswer(*response, what);
  return ParseRepository(body, reference.repo);
}

Status HubClient::FetchModel(const Download& download) {
  const Repository& repository = download.repository;
  for (const std::string& name : DescriptionFiles(repository)) {
    QUIRE_RETURN_IF_ERROR(FetchFile(download, name));
  }
  std::vector<std::string> module_files;
  if (repository.Contains(kModulesFile)) {
    QUIRE_ASSIGN_OR_RETURN(const std::string modules, ReadSnapshotFile(download, kModulesFile));
    QUIRE_ASSIGN_OR_RETURN(module_files, ModuleFiles(repository, modules));
  }
  std::string index;
  if (IsInSnapshot(download, std::string(kIndexFile))) {
    QUIRE_ASSIGN_OR_RETURN(index, ReadSnapshotFile(download, kIndexFile));
  }
  QUIRE_ASSIGN_OR_RETURN(const auto weights,
                         WeightFiles(repository, module_files, index, download.reference.repo));
  std::vector<std::string> names = std::move(module_files);
  names.insert(names.end(), weights.begin(), weights.end());
  for (const std::string& name : names) QUIRE_RETURN_IF_ERROR(FetchFile(download, name));
  return OkStatus();
}

StatusOr<std::string> HubClient::ReadSnapshotFile(const Download& download,
                                                  std::string_view name) const {
  const fs::path path =
      cache_.SnapshotPath(download.reference.repo, download.repository.commit) / name;
  return ReadFile(path.string(), kMaxIndexBytes);
}

bool HubClient::IsInSnapshot(const Download& download, const std::string& name) const {
  std::error_code error;
  // Of a link, what it leads to.
  return fs::exists(cache_.SnapshotPath(download.reference.repo, download.repository.commit) / name,
                    error);
}

Status HubClient::FetchFile(const Download& download, const std::string& name) {
  // A commit never changes: what is here is right.
  if (IsInSnapshot(download, name)) return OkStatus();
  QUIRE_ASSIGN_OR_RETURN(const RemoteFile file, FetchHead(download, name));
  QUIRE_RETURN_IF_ERROR(FetchBlob(download, file));
  return cache_.LinkBlob(download.reference.repo, download.repository.commit, name, file.etag);
}

StatusOr<HubClient::RemoteFile> HubClient::FetchHead(const Download& download,
                                                     const std::string& name) {
  RemoteFile file;
  file.name = name;
  file.url =
      fmt::format("{}/{}/resolve/{}/{}", settings_.endpoint, EscapePath(download.reference.repo),
                  download.repository.commit, EscapePath(name));
  const std::string what = fmt::format("hf:{}: {}", download.reference.repo, name);
  HttpRequest request;
  request.url = file.url;
  request.head_only = true;
  // Large files redirect to a store, whose answers know nothing of the hub's hashes. Repositories
  // that were renamed redirect too, without saying anything of the file.
  request.is_answer = [](const HttpResponse& answer) {
    return !answer.header("x-linked-etag").empty();
  };
  QUIRE_ASSIGN_OR_RETURN(const HttpResponse response, http_.Send(request));
  if (response.status / 100 != 2 && response.status / 100 != 3) {
    return StatusOfAnswer(response, what);
  }
  const std::string linked_etag = response.header("x-linked-etag");
  const std::string linked_size = response.header("x-linked-size");
  file.etag = BareEtag(linked_etag.empty() ? response.header("etag") : linked_etag);
  const auto size =
      ParseSize(linked_size.empty() ? response.header("content-length") : linked_size);
  if (!IsBlobName(file.etag) || !size) {
    return DataLoss("{}: wanted an etag and a size from the hub, have \"{}\" and \"{}\"", what,
                    file.etag, linked_size);
  }
  file.size_bytes = *size;
  return file;
}

Status HubClient::FetchBlob(const Download& download, const RemoteFile& file) {
  const std::string& repo = download.reference.repo;
  const fs::path blob = cache_.BlobPath(repo, file.etag);
  QUIRE_ASSIGN_OR_RETURN(const auto lock, cache_.LockBlob(repo, file.etag, [&] {
    log::Info("{}: waiting for another download of it", file.name);
  }));
  std::error_code error;
  if (fs::exists(blob, error)) return OkStatus();
  const fs::path incomplete = blob.string() + ".incomplete";
  QUIRE_RETURN_IF_ERROR(MakeRoom(incomplete, file.size_bytes));
  Status status;
  for (int attempt = 0; attempt < kAttempts; ++attempt) {
    if (attempt > 0) std::this_thread::sleep_for(kFirstRetryDelay * (1 << (attempt - 1)));
    status = FetchBytes(download, file, incomplete);
    if (!IsTransient(status)) break;
  }
  QUIRE_RETURN_IF_ERROR(status);
  const std::string what = fmt::format("hf:{}: {}", repo, file.name);
  if (const Status checked = CheckContent(incomplete, file.size_bytes, file.etag); !checked.ok()) {
    // Going on from here would give the same again.
    fs::remove(incomplete, error);
    return Annotate(checked, what);
  }
  fs::rename(incomplete, blob, error);
  if (error) return Internal("{}: {}", blob.string(), error.message());
  return OkStatus();
}

Status HubClient::FetchBytes(const Download& download, const RemoteFile& file,
                             const fs::path& incomplete) {
  const std::string what = fmt::format("hf:{}: {}", download.reference.repo, file.name);
  std::error_code error;
  const auto present = static_cast<std::int64_t>(fs::file_size(incomplete, error));
  const std::int64_t begin = error || present > file.size_bytes ? 0 : present;
  if (!error && present == file.size_bytes) return OkStatus();
  std::ofstream out;
  std::int64_t done = begin;
  Status failure;
  bool goes_on = true;
  HttpRequest request;
  request.url = file.url;
  request.begin = begin;
  request.on_response = [&](const HttpResponse& response) {
    const bool continues =
        response.status == 206 && TotalOfRange(response.header("content-range")) == file.size_bytes;
    if (response.status != 200 && !continues) {
      failure = StatusOfAnswer(response, what);
      return false;
    }
    // A server without ranges sends everything again.
    if (!continues) done = 0;
    out.open(incomplete, std::ios::binary | (continues ? std::ios::app : std::ios::trunc));
    if (!out) failure = Internal("{}: cannot be written", incomplete.string());
    return failure.ok();
  };
  request.on_body = [&](std::string_view piece) {
    done += static_cast<std::int64_t>(piece.size());
    if (done > file.size_bytes) {
      failure = DataLoss("{}: wanted {} bytes, have more", what, file.size_bytes);
    } else if (!out.write(piece.data(), static_cast<std::streamsize>(piece.size()))) {
      failure = ResourceExhausted("{}: cannot be written: is the disk full?", incomplete.string());
    } else {
      goes_on = download.on_progress({file.name, done, file.size_bytes});
    }
    return failure.ok() && goes_on;
  };
  const auto response = http_.Send(request);
  out.close();
  QUIRE_RETURN_IF_ERROR(failure);
  if (!goes_on) return Cancelled("{}: stopped; the next download goes on from here", what);
  QUIRE_RETURN_IF_ERROR(response.status());
  if (done < file.size_bytes) {
    return Unavailable("{}: wanted {} bytes, have {}", what, file.size_bytes, done);
  }
  return OkStatus();
}

}  // namespace quire::services::hub
