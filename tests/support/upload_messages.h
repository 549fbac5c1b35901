#pragma once

#include <span>
#include <string>
#include <string_view>

#include "base/crc32c.h"
#include "base/sha256.h"
#include "quire/retrieval/v1/retrieval.pb.h"

// Messages of an UploadDocument stream.

namespace quire::testing {

inline std::span<const std::uint8_t> AsBytes(std::string_view text) {
  return {reinterpret_cast<const std::uint8_t*>(text.data()), text.size()};
}

inline std::string Sha256Hex(std::string_view text) {
  Sha256 sha256;
  sha256.Update(AsBytes(text));
  return ToHex(AsBytes(sha256.Finish()));
}

inline retrieval::v1::UploadDocumentRequest UploadHeader(const std::string& collection,
                                                         const std::string& document) {
  retrieval::v1::UploadDocumentRequest request;
  request.mutable_header()->set_parent("collections/" + collection);
  request.mutable_header()->set_document_id(document);
  return request;
}

inline retrieval::v1::UploadDocumentRequest UploadChunk(std::int64_t offset,
                                                        const std::string& data) {
  retrieval::v1::UploadDocumentRequest request;
  request.mutable_chunk()->set_offset(offset);
  request.mutable_chunk()->set_data(data);
  request.mutable_chunk()->set_crc32c(Crc32c(AsBytes(data)));
  return request;
}

inline retrieval::v1::UploadDocumentRequest UploadFinish(std::string_view document) {
  retrieval::v1::UploadDocumentRequest request;
  request.mutable_finish()->set_sha256(Sha256Hex(document));
  return request;
}

}  // namespace quire::testing
