#include "retrieval/store/keys.h"

#include "retrieval/store/byte_codec.h"

namespace quire::retrieval {
namespace {

constexpr std::size_t kNumberBytes = 8;

std::string Key(std::initializer_list<std::uint64_t> numbers) {
  ByteWriter writer;
  for (const std::uint64_t number : numbers) writer.PutBigEndian(number);
  return writer.Take();
}

}  // namespace

std::string CollectionKey(CollectionNumber collection) {
  return Key({static_cast<std::uint64_t>(collection)});
}

std::string AfterCollectionKey(CollectionNumber collection) {
  return Key({static_cast<std::uint64_t>(collection) + 1});
}

std::string DocumentKey(CollectionNumber collection, std::string_view document_id) {
  return CollectionKey(collection).append(document_id);
}

std::string_view DocumentIdOf(std::string_view key) {
  return key.size() < kNumberBytes ? std::string_view() : key.substr(kNumberBytes);
}

std::string ChunkKey(CollectionNumber collection, ChunkId chunk) {
  return Key({static_cast<std::uint64_t>(collection), ToNumber(chunk)});
}

std::string TextKey(CollectionNumber collection, ChunkId first_chunk, std::uint64_t block) {
  return Key({static_cast<std::uint64_t>(collection), ToNumber(first_chunk), block});
}

}  // namespace quire::retrieval
