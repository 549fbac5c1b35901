#include "retrieval/store/record_codec.h"

#include <bit>
#include <cstring>

#include "retrieval/store/byte_codec.h"

namespace quire::retrieval {
namespace {

static_assert(std::endian::native == std::endian::little, "vectors are stored as they are");

constexpr std::uint64_t kVersion = 1;

ByteWriter StartRecord() {
  ByteWriter writer;
  writer.PutUnsigned(kVersion);
  return writer;
}

// `what` names the record in errors.
Status CheckVersion(ByteReader& reader, std::string_view what) {
  const std::uint64_t version = reader.GetUnsigned();
  if (!reader.ok() || version == 0) return DataLoss("{} record: wanted a version, have none", what);
  if (version > kVersion) {
    return FailedPrecondition("{} record: wanted version {}, have {} of a later program", what,
                              kVersion, version);
  }
  return OkStatus();
}

Status CheckEnd(const ByteReader& reader, std::string_view what) {
  if (reader.AtEnd()) return OkStatus();
  return DataLoss("{} record: wanted its fields and no more, have other bytes", what);
}

}  // namespace

std::string EncodeCollection(const CollectionRecord& collection) {
  ByteWriter writer = StartRecord();
  writer.PutUnsigned(static_cast<std::uint64_t>(collection.number));
  writer.PutString(collection.embedding_model);
  writer.PutString(collection.embedding_fingerprint);
  writer.PutSigned(collection.embedding_dimension);
  writer.PutSigned(collection.chunk_tokens);
  writer.PutSigned(collection.overlap_tokens);
  writer.PutSigned(collection.create_time_us);
  return writer.Take();
}

StatusOr<CollectionRecord> DecodeCollection(std::string_view id, std::string_view bytes) {
  ByteReader reader(bytes);
  QUIRE_RETURN_IF_ERROR(CheckVersion(reader, "collection"));
  CollectionRecord collection;
  collection.id = id;
  collection.number = CollectionNumber{reader.GetUnsigned()};
  collection.embedding_model = reader.GetString();
  collection.embedding_fingerprint = reader.GetString();
  collection.embedding_dimension = reader.GetInt32();
  collection.chunk_tokens = reader.GetInt32();
  collection.overlap_tokens = reader.GetInt32();
  collection.create_time_us = reader.GetSigned();
  QUIRE_RETURN_IF_ERROR(CheckEnd(reader, "collection"));
  if (collection.embedding_dimension <= 0 || collection.chunk_tokens <= 0) {
    return DataLoss("collection record: wanted positive sizes, have dimension {}, chunk tokens {}",
                    collection.embedding_dimension, collection.chunk_tokens);
  }
  return collection;
}

std::string EncodeState(const CollectionState& state) {
  ByteWriter writer = StartRecord();
  writer.PutSigned(state.commit);
  writer.PutUnsigned(state.next_chunk);
  writer.PutSigned(state.num_documents);
  writer.PutSigned(state.num_chunks);
  return writer.Take();
}

StatusOr<CollectionState> DecodeState(std::string_view bytes) {
  ByteReader reader(bytes);
  QUIRE_RETURN_IF_ERROR(CheckVersion(reader, "state"));
  CollectionState state;
  state.commit = reader.GetSigned();
  state.next_chunk = reader.GetUnsigned();
  state.num_documents = reader.GetSigned();
  state.num_chunks = reader.GetSigned();
  QUIRE_RETURN_IF_ERROR(CheckEnd(reader, "state"));
  return state;
}

std::string EncodeDocument(const DocumentRecord& document) {
  ByteWriter writer = StartRecord();
  writer.PutString(document.title);
  writer.PutString(document.media_type);
  writer.PutString(document.sha256);
  writer.PutSigned(document.size_bytes);
  writer.PutSigned(document.text_bytes);
  writer.PutUnsigned(document.metadata.size());
  for (const auto& [key, value] : document.metadata) {
    writer.PutString(key);
    writer.PutString(value);
  }
  writer.PutSigned(document.version);
  writer.PutSigned(document.commit);
  writer.PutSigned(document.create_time_us);
  writer.PutUnsigned(ToNumber(document.first_chunk));
  writer.PutSigned(document.num_chunks);
  return writer.Take();
}

StatusOr<DocumentRecord> DecodeDocument(std::string_view id, std::string_view bytes) {
  ByteReader reader(bytes);
  QUIRE_RETURN_IF_ERROR(CheckVersion(reader, "document"));
  DocumentRecord document;
  document.id = id;
  document.title = reader.GetString();
  document.media_type = reader.GetString();
  document.sha256 = reader.GetString();
  document.size_bytes = reader.GetSigned();
  document.text_bytes = reader.GetSigned();
  const std::size_t num_entries = reader.GetCount();
  for (std::size_t i = 0; i < num_entries; ++i) {
    std::string key = reader.GetString();
    document.metadata[std::move(key)] = reader.GetString();
  }
  document.version = reader.GetSigned();
  document.commit = reader.GetSigned();
  document.create_time_us = reader.GetSigned();
  document.first_chunk = ChunkId{reader.GetUnsigned()};
  document.num_chunks = reader.GetInt32();
  QUIRE_RETURN_IF_ERROR(CheckEnd(reader, "document"));
  if (document.text_bytes < 0 || document.num_chunks < 0) {
    return DataLoss("document record: wanted sizes of 0 or more, have {} bytes, {} chunks",
                    document.text_bytes, document.num_chunks);
  }
  return document;
}

std::string EncodeChunk(const ChunkRecord& chunk) {
  ByteWriter writer = StartRecord();
  writer.PutSigned(chunk.start);
  writer.PutSigned(chunk.end);
  writer.PutSigned(chunk.num_tokens);
  writer.PutUnsigned(chunk.headings.size());
  for (const std::string& heading : chunk.headings) writer.PutString(heading);
  return writer.Take();
}

StatusOr<ChunkRecord> DecodeChunk(std::string_view bytes) {
  ByteReader reader(bytes);
  QUIRE_RETURN_IF_ERROR(CheckVersion(reader, "chunk"));
  ChunkRecord chunk;
  chunk.start = reader.GetSigned();
  chunk.end = reader.GetSigned();
  chunk.num_tokens = reader.GetInt32();
  chunk.headings.resize(reader.GetCount());
  for (std::string& heading : chunk.headings) heading = reader.GetString();
  QUIRE_RETURN_IF_ERROR(CheckEnd(reader, "chunk"));
  if (chunk.start < 0 || chunk.end < chunk.start) {
    return DataLoss("chunk record: wanted a range of bytes, have [{}, {})", chunk.start, chunk.end);
  }
  return chunk;
}

std::string EncodeVersion(std::int64_t version) {
  ByteWriter writer = StartRecord();
  writer.PutSigned(version);
  return writer.Take();
}

StatusOr<std::int64_t> DecodeVersion(std::string_view bytes) {
  ByteReader reader(bytes);
  QUIRE_RETURN_IF_ERROR(CheckVersion(reader, "version"));
  const std::int64_t version = reader.GetSigned();
  QUIRE_RETURN_IF_ERROR(CheckEnd(reader, "version"));
  return version;
}

std::string EncodeFloats(std::span<const float> values) {
  std::string bytes(values.size_bytes(), '\0');
  std::memcpy(bytes.data(), values.data(), values.size_bytes());
  return bytes;
}

Status DecodeFloats(std::string_view bytes, std::size_t count, std::vector<float>& values) {
  if (bytes.size() != count * sizeof(float)) {
    return DataLoss("vectors: wanted {} bytes, have {}", count * sizeof(float), bytes.size());
  }
  const std::size_t offset = values.size();
  values.resize(offset + count);
  std::memcpy(values.data() + offset, bytes.data(), bytes.size());
  return OkStatus();
}

}  // namespace quire::retrieval
