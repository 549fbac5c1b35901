#pragma once

#include <cstdint>
#include <string>

#include "base/sha256.h"
#include "base/status.h"
#include "quire/retrieval/v1/retrieval.pb.h"
#include "retrieval/ingestion.h"
#include "services/retrieval/upload_budget.h"

namespace quire::services {

// ErrorInfo reason of a document over the limit, with `limit` in bytes.
inline constexpr std::string_view kDocumentTooLarge = "DOCUMENT_TOO_LARGE";

// Puts the messages of one UploadDocument stream together and checks each: order, limits, offset,
// CRC-32C, and the SHA-256 at the end. Knows nothing of the stream. Thread-compatible.
class UploadReceiver {
 public:
  // `max_bytes`: of the document. Borrows `budget`.
  UploadReceiver(std::int64_t max_bytes, UploadBudget& budget)
      : max_bytes_(max_bytes), share_(budget) {}

  // Takes the next message. Returns, and the upload is over:
  // - INVALID_ARGUMENT naming the field: a message out of order, a bad header, an empty or
  //   oversized chunk, a wrong size or SHA-256;
  // - ABORTED with ErrorInfo CHUNK_CHECKSUM {offset}: `data` is not what was sent;
  // - OUT_OF_RANGE with ErrorInfo CHUNK_OFFSET {committed_size};
  // - RESOURCE_EXHAUSTED: the document is over the limit (DOCUMENT_TOO_LARGE {limit}), or other
  //   uploads take all memory (QUEUE_FULL, RetryInfo).
  Status Receive(const retrieval::v1::UploadDocumentRequest& request);

  bool has_header() const { return has_header_; }
  // Id of the collection. Requires: has_header().
  const std::string& collection() const { return collection_; }
  // Whether `finish` came and all was well.
  bool is_finished() const { return is_finished_; }
  // The document. Requires: is_finished(); call once.
  quire::retrieval::NewDocument TakeDocument() { return std::move(document_); }
  // What the upload lacks when its stream ends here. Requires: not is_finished().
  Status Unfinished() const;

 private:
  Status ReceiveHeader(const retrieval::v1::UploadHeader& header);
  Status ReceiveChunk(const retrieval::v1::UploadChunk& chunk);
  Status ReceiveFinish(const retrieval::v1::UploadFinish& finish);
  Status CheckSize(std::int64_t bytes) const;

  const std::int64_t max_bytes_;
  UploadBudget::Share share_;
  Sha256 sha256_;
  std::string collection_;
  quire::retrieval::NewDocument document_;
  std::int64_t declared_bytes_ = 0;  // 0: not declared
  bool has_header_ = false;
  bool has_media_type_ = false;
  bool is_finished_ = false;
};

}  // namespace quire::services
