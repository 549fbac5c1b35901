#include "retrieval/store/record_codec.h"

#include <gmock/gmock.h>

#include "tests/support/status_matchers.h"

namespace quire::retrieval {
namespace {

using ::quire::testing::FailsWith;
using ::quire::testing::HasCode;
using ::quire::testing::IsOk;
using ::testing::ElementsAre;

DocumentRecord Document() {
  return {.id = "guide.md",
          .title = "The guide",
          .media_type = "text/markdown",
          .sha256 = "ab12",
          .size_bytes = 1'000'000'000'000,
          .text_bytes = 77,
          .metadata = {{"", "empty"}, {"author", "Ann"}},
          .version = 3,
          .commit = 12,
          .create_time_us = 1'700'000'000'000'000,
          .first_chunk = ChunkId{std::uint64_t{1} << 40},
          .num_chunks = 5};
}

TEST(RecordCodecTest, DocumentsGoThereAndBack) {
  const auto decoded = DecodeDocument("guide.md", EncodeDocument(Document()));
  ASSERT_THAT(decoded, IsOk());
  EXPECT_EQ(EncodeDocument(*decoded), EncodeDocument(Document()));
  EXPECT_EQ(decoded->id, "guide.md");
  EXPECT_EQ(decoded->metadata.at("author"), "Ann");
  EXPECT_EQ(decoded->first_chunk, ChunkId{std::uint64_t{1} << 40});
}

TEST(RecordCodecTest, CollectionsStatesChunksAndVersionsGoThereAndBack) {
  const auto collection = DecodeCollection("c", EncodeCollection({.id = "c",
                                                                  .number = CollectionNumber{9},
                                                                  .embedding_model = "models/m",
                                                                  .embedding_fingerprint = "f",
                                                                  .embedding_dimension = 384,
                                                                  .chunk_tokens = 200,
                                                                  .overlap_tokens = 25,
                                                                  .create_time_us = -1}));
  ASSERT_THAT(collection, IsOk());
  EXPECT_EQ(collection->number, CollectionNumber{9});
  EXPECT_EQ(collection->embedding_dimension, 384);
  EXPECT_EQ(collection->create_time_us, -1);
  const auto state = DecodeState(EncodeState({4, 500, 2, 30}));
  ASSERT_THAT(state, IsOk());
  EXPECT_EQ(state->next_chunk, 500u);
  EXPECT_EQ(state->num_chunks, 30);
  const auto chunk = DecodeChunk(EncodeChunk({10, 20, 4, {"A", "", "B"}}));
  ASSERT_THAT(chunk, IsOk());
  EXPECT_EQ(chunk->end, 20);
  EXPECT_THAT(chunk->headings, ElementsAre("A", "", "B"));
  EXPECT_EQ(*DecodeVersion(EncodeVersion(7)), 7);
}

TEST(RecordCodecTest, EveryTruncationAndEveryTailIsDataLoss) {
  const std::string bytes = EncodeDocument(Document());
  for (std::size_t length = 0; length < bytes.size(); ++length) {
    EXPECT_THAT(DecodeDocument("d", bytes.substr(0, length)), HasCode(absl::StatusCode::kDataLoss))
        << length;
  }
  EXPECT_THAT(DecodeDocument("d", bytes + "x"), HasCode(absl::StatusCode::kDataLoss));
}

TEST(RecordCodecTest, ImpossibleValuesAreDataLoss) {
  EXPECT_THAT(DecodeChunk(EncodeChunk({20, 10, 4, {}})), HasCode(absl::StatusCode::kDataLoss));
  EXPECT_THAT(DecodeCollection("c", EncodeCollection({})), HasCode(absl::StatusCode::kDataLoss));
}

TEST(RecordCodecTest, ALaterVersionIsSaidToBeOne) {
  std::string bytes = EncodeVersion(7);
  bytes[0] = 2;
  EXPECT_THAT(DecodeVersion(bytes),
              FailsWith(absl::StatusCode::kFailedPrecondition, "version 1, have 2"));
}

TEST(RecordCodecTest, FloatsAreAppendedBitByBit) {
  const std::vector<float> values = {0.5f, -0.0f, 1e-40f};
  std::vector<float> decoded = {9.0f};
  ASSERT_THAT(DecodeFloats(EncodeFloats(values), 3, decoded), IsOk());
  EXPECT_EQ(EncodeFloats(std::span(decoded).subspan(1)), EncodeFloats(values));
  EXPECT_THAT(DecodeFloats(EncodeFloats(values), 2, decoded),
              FailsWith(absl::StatusCode::kDataLoss, "wanted 8 bytes, have 12"));
}

}  // namespace
}  // namespace quire::retrieval
