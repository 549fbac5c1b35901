#pragma once

#include <string>
#include <string_view>

#include "base/status.h"
#include "retrieval/store/document_store.h"

// Records as bytes: a version, then the fields in order. Every decoder returns DATA_LOSS naming the
// record if the bytes are not what its encoder writes, and FAILED_PRECONDITION if a later version
// of the program wrote them. RocksDB checksums the bytes, so there is none here.

namespace quire::retrieval {

// The collection's id is not in the record but in its key.
std::string EncodeCollection(const CollectionRecord& collection);
StatusOr<CollectionRecord> DecodeCollection(std::string_view id, std::string_view bytes);

std::string EncodeState(const CollectionState& state);
StatusOr<CollectionState> DecodeState(std::string_view bytes);

// The document's id is not in the record but in its key.
std::string EncodeDocument(const DocumentRecord& document);
StatusOr<DocumentRecord> DecodeDocument(std::string_view id, std::string_view bytes);

std::string EncodeChunk(const ChunkRecord& chunk);
StatusOr<ChunkRecord> DecodeChunk(std::string_view bytes);

std::string EncodeVersion(std::int64_t version);
StatusOr<std::int64_t> DecodeVersion(std::string_view bytes);

// Vectors as little-endian f32, one after the other.
std::string EncodeFloats(std::span<const float> values);
// Appends them to `values`. Returns DATA_LOSS unless there are `count`.
Status DecodeFloats(std::string_view bytes, std::size_t count, std::vector<float>& values);

}  // namespace quire::retrieval
