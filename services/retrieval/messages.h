#pragma once

#include <string_view>

#include "quire/retrieval/v1/retrieval.pb.h"
#include "retrieval/library.h"

// The library's types as messages of quire.retrieval.v1.

namespace quire::services {

retrieval::v1::Collection ToMessage(const retrieval::CollectionSummary& summary);
// `collection`: id of the collection.
retrieval::v1::Document ToMessage(std::string_view collection,
                                  const retrieval::DocumentRecord& document);
retrieval::v1::Chunk ToMessage(const retrieval::ChunkWithText& chunk);
retrieval::v1::SearchHit ToMessage(std::string_view collection, const retrieval::SearchHit& hit);

}  // namespace quire::services
