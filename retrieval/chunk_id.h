#pragma once

#include <cstdint>

namespace quire::retrieval {

// A chunk of one version of one document, within its collection. Ids ascend in order of commit,
// those of one document version are consecutive, and none is ever used again.
enum class ChunkId : std::uint64_t {};

constexpr std::uint64_t ToNumber(ChunkId id) { return static_cast<std::uint64_t>(id); }
constexpr ChunkId Advance(ChunkId id, std::uint64_t count) { return ChunkId{ToNumber(id) + count}; }

}  // namespace quire::retrieval
