#include "services/hub/model_reference.h"

#include <algorithm>
#include <cctype>
#include <vector>

namespace quire::services::hub {
namespace {

constexpr std::string_view kScheme = "hf:";
constexpr std::string_view kMainRevision = "main";
constexpr std::string_view kGgufExtension = ".gguf";
// Of the hub: huggingface_hub, validate_repo_id.
constexpr std::size_t kMaxRepoBytes = 96;
constexpr std::size_t kMaxRevisionBytes = 255;
constexpr std::size_t kMaxPathBytes = 1024;

std::vector<std::string_view> SplitParts(std::string_view text) {
  std::vector<std::string_view> parts;
  for (std::size_t begin = 0;;) {
    const std::size_t slash = text.find('/', begin);
    parts.push_back(text.substr(begin, slash - begin));
    if (slash == std::string_view::npos) return parts;
    begin = slash + 1;
  }
}

bool IsNameChar(char c) {
  return std::isalnum(static_cast<unsigned char>(c)) != 0 || c == '_' || c == '-' || c == '.';
}

// A part of a repository's name. "--" stands for its slash in folders of the cache.
bool IsRepoPart(std::string_view part) {
  return !part.empty() && part.front() != '-' && part.front() != '.' && part.back() != '-' &&
         part.back() != '.' && part.find("--") == part.npos && part.find("..") == part.npos &&
         std::all_of(part.begin(), part.end(), IsNameChar);
}

// Like git's rules for names of branches, and no character that a URL gives a meaning.
bool IsRevision(std::string_view revision) {
  return revision.size() <= kMaxRevisionBytes && IsSafePath(revision) &&
         std::all_of(revision.begin(), revision.end(),
                     [](char c) { return IsNameChar(c) || c == '/' || c == '+' || c == '='; });
}

}  // namespace

bool IsSafePath(std::string_view path) {
  if (path.empty() || path.size() > kMaxPathBytes) return false;
  if (std::any_of(path.begin(), path.end(), [](char c) {
        return static_cast<unsigned char>(c) < ' ' || c == 0x7F || c == '\\';
      })) {
    return false;
  }
  const auto parts = SplitParts(path);
  return std::all_of(parts.begin(), parts.end(), [](std::string_view part) {
    return !part.empty() && part != "." && part != "..";
  });
}

bool IsModelReference(std::string_view spec) { return spec.starts_with(kScheme); }

StatusOr<ModelReference> ParseModelReference(std::string_view spec) {
  const std::string_view rest = IsModelReference(spec) ? spec.substr(kScheme.size()) : spec;
  const std::size_t at = rest.find('@');
  const std::string_view path = rest.substr(0, at);
  ModelReference reference;
  reference.revision = at == rest.npos ? kMainRevision : rest.substr(at + 1);
  const auto parts = SplitParts(path);
  const std::size_t num_repo_parts = std::min<std::size_t>(parts.size(), 2);
  const auto repo_end = parts.begin() + static_cast<std::ptrdiff_t>(num_repo_parts);
  if (!std::all_of(parts.begin(), repo_end, IsRepoPart)) {
    return InvalidArgument("model {}: wanted hf:ORG/REPO or hf:ORG/REPO@REVISION", spec);
  }
  reference.repo = fmt::format("{}", fmt::join(parts.begin(), repo_end, "/"));
  reference.file = fmt::format("{}", fmt::join(repo_end, parts.end(), "/"));
  if (reference.repo.size() > kMaxRepoBytes) {
    return InvalidArgument("model {}: wanted a repository of at most {} characters, have {}", spec,
                           kMaxRepoBytes, reference.repo.size());
  }
  if (!IsRevision(reference.revision)) {
    return InvalidArgument("model {}: wanted a branch, tag or commit after @, have \"{}\"", spec,
                           reference.revision);
  }
  if (!reference.file.empty() &&
      (!IsSafePath(reference.file) || !reference.file.ends_with(kGgufExtension))) {
    return InvalidArgument("model {}: wanted a .gguf file of {}, have \"{}\"", spec, reference.repo,
                           reference.file);
  }
  return reference;
}

std::string FormatModelReference(const ModelReference& reference) {
  std::string text = std::string(kScheme) + reference.repo;
  if (!reference.file.empty()) text += "/" + reference.file;
  if (reference.revision != kMainRevision) text += "@" + reference.revision;
  return text;
}

}  // namespace quire::services::hub
