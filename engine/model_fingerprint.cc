#include "engine/model_fingerprint.h"

#include "base/mapped_file.h"
#include "base/sha256.h"

namespace quire::engine {
namespace {

std::span<const std::uint8_t> Bytes(std::string_view text) {
  return {reinterpret_cast<const std::uint8_t*>(text.data()), text.size()};
}

// The length goes first, so that bytes cannot move from one part to the next unseen.
void UpdateFramed(Sha256& hash, std::span<const std::uint8_t> bytes) {
  hash.Update(Bytes(fmt::format("{} ", bytes.size())));
  hash.Update(bytes);
}

}  // namespace

StatusOr<std::string> ModelFingerprint(std::span<const std::string> files,
                                       const Checkpoint* checkpoint, std::string_view settings) {
  Sha256 hash;
  for (const std::string& path : files) {
    QUIRE_ASSIGN_OR_RETURN(const auto file, MappedFile::Open(path));
    UpdateFramed(hash, file->bytes());
    QUIRE_RETURN_IF_ERROR(file->CheckUnchanged());
  }
  if (checkpoint != nullptr) {
    for (const auto& shard : checkpoint->shards()) UpdateFramed(hash, shard->content());
    QUIRE_RETURN_IF_ERROR(CheckUnchanged(checkpoint->files()));
  }
  UpdateFramed(hash, Bytes(settings));
  return ToHex(Bytes(hash.Finish()));
}

}  // namespace quire::engine
