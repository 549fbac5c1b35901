#include "services/retrieval/messages.h"

#include "services/retrieval/resource_names.h"

namespace quire::services {
namespace {

void SetTime(std::int64_t time_us, google::protobuf::Timestamp& timestamp) {
  constexpr std::int64_t kMicrosecondsPerSecond = 1'000'000;
  timestamp.set_seconds(time_us / kMicrosecondsPerSecond);
  timestamp.set_nanos(static_cast<std::int32_t>(time_us % kMicrosecondsPerSecond * 1'000));
}

}  // namespace

retrieval::v1::Collection ToMessage(const retrieval::CollectionSummary& summary) {
  const retrieval::CollectionRecord& record = summary.record;
  retrieval::v1::Collection collection;
  collection.set_name(CollectionName(record.id));
  collection.set_embedding_model(record.embedding_model);
  collection.set_embedding_fingerprint(record.embedding_fingerprint);
  collection.set_embedding_dimension(record.embedding_dimension);
  collection.mutable_chunking()->set_chunk_tokens(record.chunk_tokens);
  collection.mutable_chunking()->set_overlap_tokens(record.overlap_tokens);
  collection.set_num_documents(summary.state.num_documents);
  collection.set_num_chunks(summary.state.num_chunks);
  SetTime(record.create_time_us, *collection.mutable_create_time());
  return collection;
}

retrieval::v1::Document ToMessage(std::string_view collection,
                                  const retrieval::DocumentRecord& record) {
  retrieval::v1::Document document;
  document.set_name(DocumentName(collection, record.id));
  document.set_title(record.title);
  document.set_media_type(record.media_type);
  document.set_size_bytes(record.size_bytes);
  document.set_sha256(record.sha256);
  document.set_text_bytes(record.text_bytes);
  document.set_num_chunks(record.num_chunks);
  document.set_version(record.version);
  document.set_commit(record.commit);
  for (const auto& [key, value] : record.metadata) (*document.mutable_metadata())[key] = value;
  SetTime(record.create_time_us, *document.mutable_create_time());
  return document;
}

retrieval::v1::Chunk ToMessage(const retrieval::ChunkWithText& chunk) {
  retrieval::v1::Chunk message;
  message.set_index(chunk.index);
  message.set_start(chunk.chunk.start);
  message.set_end(chunk.chunk.end);
  message.set_text(chunk.text);
  message.set_num_tokens(chunk.chunk.num_tokens);
  for (const std::string& heading : chunk.chunk.headings) message.add_headings(heading);
  return message;
}

retrieval::v1::SearchHit ToMessage(std::string_view collection, const retrieval::SearchHit& hit) {
  retrieval::v1::SearchHit message;
  message.set_document(DocumentName(collection, hit.document->id));
  message.set_title(hit.document->title);
  message.set_version(hit.document->version);
  *message.mutable_chunk() = ToMessage(hit.chunk);
  message.set_score(hit.ranked.score);
  if (hit.ranked.similarity) message.set_similarity(*hit.ranked.similarity);
  if (hit.ranked.lexical_score) message.set_lexical_score(*hit.ranked.lexical_score);
  return message;
}

}  // namespace quire::services
