#include "services/retrieval/upload_receiver.h"

#include <span>
#include <string_view>
#include <utility>

#include "base/crc32c.h"
#include "services/retrieval/resource_names.h"
#include "services/server/error_details.h"

namespace quire::services {
namespace {

using quire::retrieval::MediaTypeOfFileName;
using quire::retrieval::ParseMediaType;
using retrieval::v1::UploadChunk;
using retrieval::v1::UploadDocumentRequest;
using retrieval::v1::UploadFinish;
using retrieval::v1::UploadHeader;

constexpr std::size_t kMaxTitleBytes = 1'024;
constexpr int kMaxMetadataEntries = 64;
constexpr std::size_t kMaxMetadataKeyBytes = 128;
constexpr std::size_t kMaxMetadataValueBytes = 4'096;
constexpr std::size_t kMaxChunkBytes = std::size_t{4} << 20;
constexpr std::size_t kIdDigits = 32;  // of the SHA-256

std::span<const std::uint8_t> Bytes(std::string_view text) {
  return {reinterpret_cast<const std::uint8_t*>(text.data()), text.size()};
}

Status CheckMetadata(const UploadHeader& header) {
  if (header.metadata_size() > kMaxMetadataEntries) {
    return InvalidField("header.metadata",
                        fmt::format("wanted at most {} entries, have {}", kMaxMetadataEntries,
                                    header.metadata_size()));
  }
  for (const auto& [key, value] : header.metadata()) {
    if (key.empty() || key.size() > kMaxMetadataKeyBytes) {
      return InvalidField("header.metadata",
                          fmt::format("wanted keys of 1 to {} bytes, have one of {}",
                                      kMaxMetadataKeyBytes, key.size()));
    }
    if (value.size() > kMaxMetadataValueBytes) {
      return InvalidField("header.metadata",
                          fmt::format("wanted values of at most {} bytes, have {} for key \"{}\"",
                                      kMaxMetadataValueBytes, value.size(), key));
    }
  }
  return OkStatus();
}

}  // namespace

Status UploadReceiver::Receive(const UploadDocumentRequest& request) {
  if (is_finished_) return InvalidField("finish", "wanted it last, have a message after it");
  if (!has_header_ && !request.has_header()) {
    return InvalidField("header", "wanted it first, have another message");
  }
  switch (request.message_case()) {
    case UploadDocumentRequest::kHeader:
      return ReceiveHeader(request.header());
    case UploadDocumentRequest::kChunk:
      return ReceiveChunk(request.chunk());
    case UploadDocumentRequest::kFinish:
      return ReceiveFinish(request.finish());
    case UploadDocumentRequest::MESSAGE_NOT_SET:
      break;
  }
  return InvalidField("message", "wanted header, chunk or finish, have none");
}

Status UploadReceiver::CheckSize(std::int64_t bytes) const {
  if (bytes <= max_bytes_) return OkStatus();
  return WithErrorInfo(
      ResourceExhausted("document: wanted at most {} bytes, have {} or more", max_bytes_, bytes),
      kDocumentTooLarge, {{"limit", std::to_string(max_bytes_)}});
}

Status UploadReceiver::ReceiveHeader(const UploadHeader& header) {
  if (has_header_) return InvalidField("header", "wanted it once, have a second one");
  QUIRE_ASSIGN_OR_RETURN(collection_, ParseCollectionName("header.parent", header.parent()));
  if (!header.document_id().empty()) {
    QUIRE_RETURN_IF_ERROR(CheckResourceId("header.document_id", header.document_id()));
  }
  if (header.title().size() > kMaxTitleBytes) {
    return InvalidField("header.title", fmt::format("wanted at most {} bytes, have {}",
                                                    kMaxTitleBytes, header.title().size()));
  }
  QUIRE_RETURN_IF_ERROR(CheckMetadata(header));
  if (!header.media_type().empty()) {
    const auto type = ParseMediaType(header.media_type());
    if (!type.ok()) {
      return WithFieldViolation(type.status(), "header.media_type", Message(type.status()));
    }
    document_.media_type = *type;
    has_media_type_ = true;
  }
  if (header.size_bytes() < 0) {
    return InvalidField("header.size_bytes",
                        fmt::format("wanted 0 or more, have {}", header.size_bytes()));
  }
  QUIRE_RETURN_IF_ERROR(CheckSize(header.size_bytes()));
  QUIRE_RETURN_IF_ERROR(share_.GrowTo(header.size_bytes()));
  declared_bytes_ = header.size_bytes();
  document_.bytes.reserve(static_cast<std::size_t>(declared_bytes_));
  document_.id = header.document_id();
  document_.title = header.title();
  document_.metadata = {header.metadata().begin(), header.metadata().end()};
  has_header_ = true;
  return OkStatus();
}

Status UploadReceiver::ReceiveChunk(const UploadChunk& chunk) {
  const std::string& data = chunk.data();
  if (data.empty() || data.size() > kMaxChunkBytes) {
    return InvalidField("chunk.data",
                        fmt::format("wanted 1 to {} bytes, have {}", kMaxChunkBytes, data.size()));
  }
  const auto committed = static_cast<std::int64_t>(document_.bytes.size());
  if (chunk.offset() != committed) {
    return WithErrorInfo(OutOfRange("chunk.offset: wanted {}, have {}", committed, chunk.offset()),
                         kChunkOffset, {{"committed_size", std::to_string(committed)}});
  }
  if (const std::uint32_t crc = Crc32c(Bytes(data)); crc != chunk.crc32c()) {
    return WithErrorInfo(Aborted("chunk at offset {}: wanted CRC-32C {:08x}, have {:08x}",
                                 committed, chunk.crc32c(), crc),
                         kChunkChecksum, {{"offset", std::to_string(committed)}});
  }
  const std::int64_t grown = committed + static_cast<std::int64_t>(data.size());
  QUIRE_RETURN_IF_ERROR(CheckSize(grown));
  QUIRE_RETURN_IF_ERROR(share_.GrowTo(grown));
  sha256_.Update(Bytes(data));
  document_.bytes.append(data);
  return OkStatus();
}

Status UploadReceiver::ReceiveFinish(const UploadFinish& finish) {
  const auto received = static_cast<std::int64_t>(document_.bytes.size());
  if (declared_bytes_ != 0 && received != declared_bytes_) {
    return InvalidField("header.size_bytes",
                        fmt::format("wanted {}, have {} bytes", declared_bytes_, received));
  }
  document_.sha256 = ToHex(Bytes(sha256_.Finish()));
  if (finish.sha256() != document_.sha256) {
    return InvalidField("finish.sha256",
                        fmt::format("wanted {} of the bytes received, have \"{}\"",
                                    document_.sha256, TruncateText(finish.sha256(), 64)));
  }
  if (document_.id.empty()) document_.id = document_.sha256.substr(0, kIdDigits);
  if (document_.title.empty()) document_.title = document_.id;
  if (!has_media_type_) document_.media_type = MediaTypeOfFileName(document_.id);
  is_finished_ = true;
  return OkStatus();
}

Status UploadReceiver::Unfinished() const {
  if (!has_header_) return InvalidField("header", "wanted it first, have the end of the stream");
  return InvalidField("finish", fmt::format("wanted it last, have the end of the stream after {} "
                                            "bytes",
                                            document_.bytes.size()));
}

}  // namespace quire::services
