#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "retrieval/chunk_id.h"
#include "retrieval/store/document_store.h"

// Keys of the column families. Numbers come first, eight bytes each, most significant byte first;
// an id, the only part of variable length, comes last. So no two differ in meaning and agree in
// bytes, and they sort by collection, then by document id or chunk.

namespace quire::retrieval {

// Everything of a collection starts with this, and sorts before the next collection's.
std::string CollectionKey(CollectionNumber collection);
std::string AfterCollectionKey(CollectionNumber collection);

std::string DocumentKey(CollectionNumber collection, std::string_view document_id);
// The id in a DocumentKey; "" if the key is too short to be one.
std::string_view DocumentIdOf(std::string_view key);

std::string ChunkKey(CollectionNumber collection, ChunkId chunk);

// Block `block` of the text of the document whose first chunk is `first_chunk`.
std::string TextKey(CollectionNumber collection, ChunkId first_chunk, std::uint64_t block);

}  // namespace quire::retrieval
