#include "services/hub/blob_file.h"

#include <openssl/evp.h>

#include <algorithm>
#include <array>
#include <cctype>
#include <fstream>
#include <memory>
#include <vector>

#include "base/sha256.h"

namespace quire::services::hub {
namespace {

namespace fs = std::filesystem;

constexpr std::size_t kSha1Digits = 40;
constexpr std::size_t kSha256Digits = 64;
constexpr std::uintmax_t kSpareBytes = std::uintmax_t{64} << 20;

bool IsHex(const std::string& text) {
  return std::all_of(text.begin(), text.end(),
                     [](unsigned char c) { return std::isxdigit(c) != 0; });
}

// Hash of `prefix` and the file's content, hexadecimal.
StatusOr<std::string> HashOf(const EVP_MD* kind, const std::string& prefix, const fs::path& path) {
  const std::unique_ptr<EVP_MD_CTX, decltype(&EVP_MD_CTX_free)> context(EVP_MD_CTX_new(),
                                                                        &EVP_MD_CTX_free);
  if (context == nullptr || EVP_DigestInit_ex(context.get(), kind, nullptr) != 1) {
    return Internal("{}: no hash", path.string());
  }
  EVP_DigestUpdate(context.get(), prefix.data(), prefix.size());
  std::ifstream file(path, std::ios::binary);
  std::vector<char> buffer(std::size_t{1} << 20);
  while (file.read(buffer.data(), static_cast<std::streamsize>(buffer.size())), file.gcount() > 0) {
    EVP_DigestUpdate(context.get(), buffer.data(), static_cast<std::size_t>(file.gcount()));
  }
  if (!file.eof()) return Internal("{}: cannot be read", path.string());
  std::array<std::uint8_t, EVP_MAX_MD_SIZE> digest{};
  unsigned size = 0;
  EVP_DigestFinal_ex(context.get(), digest.data(), &size);
  return ToHex(std::span(digest).first(size));
}

}  // namespace

Status MakeRoom(const fs::path& path, std::int64_t size_bytes) {
  std::error_code error;
  fs::create_directories(path.parent_path(), error);
  if (error) return Internal("{}: {}", path.parent_path().string(), error.message());
  const auto space = fs::space(path.parent_path(), error);
  if (error) return OkStatus();  // the write will tell
  const std::uintmax_t present = fs::file_size(path, error);
  const auto wanted = static_cast<std::uintmax_t>(size_bytes) - (error ? 0 : present);
  if (!error && present >= static_cast<std::uintmax_t>(size_bytes)) return OkStatus();
  if (space.available < wanted + kSpareBytes) {
    return ResourceExhausted("{}: wanted {} bytes of disk, have {}", path.parent_path().string(),
                             wanted + kSpareBytes, space.available);
  }
  return OkStatus();
}

Status CheckContent(const fs::path& path, std::int64_t size_bytes, const std::string& etag) {
  std::error_code error;
  const auto size = static_cast<std::int64_t>(fs::file_size(path, error));
  if (error || size != size_bytes) {
    return DataLoss("wanted {} bytes, have {}", size_bytes, error ? 0 : size);
  }
  if (!IsHex(etag)) return OkStatus();
  std::string hash = etag;
  if (etag.size() == kSha256Digits) {
    QUIRE_ASSIGN_OR_RETURN(hash, HashOf(EVP_sha256(), "", path));
  } else if (etag.size() == kSha1Digits) {
    // As git hashes a file.
    const std::string header = fmt::format("blob {}", size_bytes) + '\0';
    QUIRE_ASSIGN_OR_RETURN(hash, HashOf(EVP_sha1(), header, path));
  }
  if (hash == etag) return OkStatus();
  return DataLoss("wanted the content with the hash {}, have {}", etag, hash);
}

}  // namespace quire::services::hub
