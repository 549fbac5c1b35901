#include "retrieval/chunking/chunker.h"

#include <gmock/gmock.h>

#include <random>

#include "base/utf8.h"
#include "retrieval/parsing/white_space.h"
#include "tests/support/status_matchers.h"

namespace quire::retrieval {
namespace {

using ::quire::testing::FailsWith;
using ::quire::testing::HasCode;
using ::quire::testing::IsOk;
using ::testing::ElementsAre;

// Words between white space of any script, as the chunker sees white space.
std::int32_t CountWords(std::string_view text) {
  std::int32_t count = 0;
  bool in_word = false;
  for (std::size_t i = 0; i < text.size();) {
    const DecodedChar c = DecodeUtf8(text, i);
    const bool is_space = IsWhiteSpace(c.code_point);
    if (!is_space && !in_word) ++count;
    in_word = !is_space;
    i += static_cast<std::size_t>(c.length_bytes);
  }
  return count;
}

// A token for each word.
StatusOr<std::vector<std::int32_t>> WordTokens(std::span<const std::string_view> texts) {
  std::vector<std::int32_t> counts;
  for (const std::string_view text : texts) counts.push_back(CountWords(text));
  return counts;
}

// A token for each byte, as a byte-level vocabulary without merges has.
StatusOr<std::vector<std::int32_t>> ByteTokens(std::span<const std::string_view> texts) {
  std::vector<std::int32_t> counts;
  for (const std::string_view text : texts)
    counts.push_back(static_cast<std::int32_t>(text.size()));
  return counts;
}

// One token whatever the text: what an unknown word is to WordPiece.
StatusOr<std::vector<std::int32_t>> UnknownTokens(std::span<const std::string_view> texts) {
  return std::vector<std::int32_t>(texts.size(), 1);
}

// More tokens for a text than for its parts.
StatusOr<std::vector<std::int32_t>> SuperlinearTokens(std::span<const std::string_view> texts) {
  std::vector<std::int32_t> counts;
  for (const std::string_view text : texts) {
    const std::int32_t words = CountWords(text);
    counts.push_back(words + words * words / 40);
  }
  return counts;
}

ParsedDocument Parse(std::string text, MediaType type = MediaType::kPlainText) {
  auto document = ParseDocument(type, std::move(text));
  EXPECT_THAT(document, IsOk());
  return *std::move(document);
}

std::vector<std::string> Texts(const ParsedDocument& document, const std::vector<Chunk>& chunks) {
  std::vector<std::string> texts;
  for (const Chunk& chunk : chunks) {
    texts.push_back(document.text.substr(chunk.start, chunk.end - chunk.start));
  }
  return texts;
}

std::vector<std::string> Split(const std::string& text, ChunkingOptions options,
                               MediaType type = MediaType::kPlainText) {
  const ParsedDocument document = Parse(text, type);
  const auto chunks = Chunker(options, WordTokens).Split(document);
  EXPECT_THAT(chunks, IsOk());
  return Texts(document, *chunks);
}

TEST(ChunkerTest, PacksWholeSentencesUpToTheLimit) {
  EXPECT_THAT(Split("One two three. Four five six. Seven eight.", {6, 0}),
              ElementsAre("One two three. Four five six.", "Seven eight."));
}

TEST(ChunkerTest, RepeatsTheLastSentencesOfTheChunkBefore) {
  EXPECT_THAT(Split("A one. B two. C three. D four. E five.", {6, 2}),
              ElementsAre("A one. B two. C three.", "C three. D four. E five."));
  EXPECT_THAT(Split("A one. B two. C three. D four. E five.", {6, 1}),
              ElementsAre("A one. B two. C three.", "D four. E five."))
      << "a sentence longer than the overlap is not repeated in part";
}

TEST(ChunkerTest, CutsALongSentenceBetweenWords) {
  EXPECT_THAT(Split("a b c d e f g h i j", {4, 0}), ElementsAre("a b c d", "e f g h", "i j"));
}

TEST(ChunkerTest, CutsALongWordBetweenCharacters) {
  std::string text = "ab ";
  for (int i = 0; i < 10; ++i) text += "\xE2\x82\xAC";
  const ParsedDocument document = Parse(text);
  const auto chunks = Chunker({9, 0}, ByteTokens).Split(document);
  ASSERT_THAT(chunks, IsOk());
  EXPECT_THAT(Texts(document, *chunks),
              ElementsAre("ab \xE2\x82\xAC\xE2\x82\xAC", "\xE2\x82\xAC\xE2\x82\xAC\xE2\x82\xAC",
                          "\xE2\x82\xAC\xE2\x82\xAC\xE2\x82\xAC", "\xE2\x82\xAC\xE2\x82\xAC"));
}

TEST(ChunkerTest, ACharacterThatIsTooLongIsRefused) {
  EXPECT_THAT(Chunker({2, 0}, ByteTokens).Split(Parse("ab \xE2\x82\xAC")),
              FailsWith(absl::StatusCode::kInvalidArgument, "byte 3"));
}

TEST(ChunkerTest, AHeadingStartsAChunkAndIsNeverItsEnd) {
  const std::string body = "one two three four five. ";
  EXPECT_THAT(Split("# A\n\n" + body + "\n\n## B\n\n" + body, {20, 10}, MediaType::kMarkdown),
              ElementsAre("# A\n\none two three four five.", "## B\n\none two three four five."));
  EXPECT_THAT(Split(body + "\n\n# B\n\n" + body, {7, 0}, MediaType::kMarkdown),
              ElementsAre("one two three four five.", "# B\n\none two three four five."));
}

TEST(ChunkerTest, ASmallSectionIsNoChunkOfItsOwn) {
  EXPECT_THAT(Split("# A\n\nshort.\n\n# B\n\nalso short.", {40, 0}, MediaType::kMarkdown),
              ElementsAre("# A\n\nshort.\n\n# B\n\nalso short."));
}

TEST(ChunkerTest, ChunksKnowTheHeadingsInForce) {
  const ParsedDocument document = Parse(
      "Intro of five words here.\n\n# One\n\nText of five words here.\n\n## Two\n\n"
      "Text of five words here.\n\n# Three\n\nText of five words here.\n",
      MediaType::kMarkdown);
  const auto chunks = Chunker({8, 0}, WordTokens).Split(document);
  ASSERT_THAT(chunks, IsOk());
  ASSERT_EQ(chunks->size(), 4u);
  EXPECT_THAT((*chunks)[0].headings, ElementsAre());
  EXPECT_THAT((*chunks)[1].headings, ElementsAre("One"));
  EXPECT_THAT((*chunks)[2].headings, ElementsAre("One", "Two"));
  EXPECT_THAT((*chunks)[3].headings, ElementsAre("Three"));
}

TEST(ChunkerTest, TextWithFewTokensIsLimitedInBytes) {
  const ParsedDocument document = Parse(std::string(10'000, 'x') + std::string(90'000, ' ') + "y");
  const auto chunks = Chunker({10, 0}, UnknownTokens).Split(document);
  ASSERT_THAT(chunks, IsOk());
  for (const Chunk& chunk : *chunks) EXPECT_LE(chunk.end - chunk.start, 320u);
}

TEST(ChunkerTest, ErrorsOfTheCounterComeThrough) {
  const auto away = [](std::span<const std::string_view>) {
    return StatusOr<std::vector<std::int32_t>>(Unavailable("away"));
  };
  EXPECT_THAT(Chunker({10, 0}, away).Split(Parse("text")), HasCode(absl::StatusCode::kUnavailable));
  const auto short_answer = [](std::span<const std::string_view>) {
    return StatusOr<std::vector<std::int32_t>>(std::vector<std::int32_t>());
  };
  EXPECT_THAT(Chunker({10, 0}, short_answer).Split(Parse("text")),
              FailsWith(absl::StatusCode::kInternal, "wanted 1, have 0"));
}

TEST(ChunkerTest, ChunkTokensDefaultToTwoHundredOrWhatTheModelTakes) {
  EXPECT_EQ(*ResolveChunkTokens(0, 510), 200);
  EXPECT_EQ(*ResolveChunkTokens(0, 126), 126);
  EXPECT_EQ(*ResolveChunkTokens(510, 510), 510);
  EXPECT_THAT(ResolveChunkTokens(511, 510), HasCode(absl::StatusCode::kInvalidArgument));
  EXPECT_THAT(ResolveChunkTokens(-1, 510), HasCode(absl::StatusCode::kInvalidArgument));
}

TEST(ChunkerTest, OverlapDefaultsToAnEighthAndIsAtMostHalf) {
  EXPECT_EQ(*ResolveOverlapTokens(std::nullopt, 200), 25);
  EXPECT_EQ(*ResolveOverlapTokens(0, 200), 0);
  EXPECT_EQ(*ResolveOverlapTokens(100, 200), 100);
  EXPECT_THAT(ResolveOverlapTokens(101, 200), HasCode(absl::StatusCode::kInvalidArgument));
  EXPECT_THAT(ResolveOverlapTokens(-1, 200), HasCode(absl::StatusCode::kInvalidArgument));
}

// What holds for any text, options and counter.
void CheckProperties(const ParsedDocument& document, const ChunkingOptions& options,
                     const TokenCounter& counter) {
  const Chunker chunker(options, counter);
  const auto chunks = chunker.Split(document);
  ASSERT_THAT(chunks, IsOk());
  ASSERT_FALSE(chunks->empty());
  const std::string_view text = document.text;
  std::size_t covered = 0;
  for (std::size_t i = 0; i < chunks->size(); ++i) {
    const Chunk& chunk = (*chunks)[i];
    ASSERT_LT(chunk.start, chunk.end);
    ASSERT_LE(chunk.end, text.size());
    const std::string_view content = text.substr(chunk.start, chunk.end - chunk.start);
    EXPECT_EQ(FindInvalidUtf8(content), content.size()) << "a character is cut";
    const ByteRange trimmed = TrimWhiteSpace(text, {chunk.start, chunk.end});
    EXPECT_EQ(trimmed.start, chunk.start);
    EXPECT_EQ(trimmed.end, chunk.end);
    const auto counts = counter(std::span(&content, 1));
    EXPECT_EQ(chunk.num_tokens, counts->front());
    EXPECT_LE(chunk.num_tokens, options.chunk_tokens);
    if (chunk.start > covered) {
      EXPECT_TRUE(TrimWhiteSpace(text, {covered, chunk.start}).empty()) << "text in no chunk";
    }
    if (i > 0) {
      const Chunk& before = (*chunks)[i - 1];
      EXPECT_GT(chunk.start, before.start);
      EXPECT_GT(chunk.end, before.end);
      if (chunk.start < before.end) {
        const std::string_view overlap = text.substr(chunk.start, before.end - chunk.start);
        // The sum over sentences is what is limited. Every counter here gives a sentence at least
        // a token for each word.
        EXPECT_LE(CountWords(overlap), options.overlap_tokens);
      }
    }
    covered = chunk.end;
  }
  EXPECT_TRUE(TrimWhiteSpace(text, {covered, text.size()}).empty());
  const auto again = chunker.Split(document);
  ASSERT_THAT(again, IsOk());
  EXPECT_EQ(Texts(document, *again), Texts(document, *chunks));
}

std::string RandomText(std::mt19937& random) {
  static constexpr const char* kPieces[] = {
      "word",
      "another",
      " ",
      " ",
      ". ",
      "! ",
      "\n",
      "\n\n",
      "# Title\n",
      "## Sub\n",
      "- item ",
      "\xC3\xA9t\xC3\xA9",
      "\xE6\xBC\xA2\xE5\xAD\x97\xE3\x80\x82",
      "\xF0\x9F\x98\x80",
      "e.g. ",
      "1. ",
      "```\ncode\n```\n",
      "| a | b |\n",
      "\t",
      "\r\n",
      "\xE3\x80\x80",
      "longlonglonglonglonglonglonglonglonglonglonglonglonglonglonglong"};
  std::string text = "start ";
  const int num_pieces = static_cast<int>(random() % 400);
  for (int i = 0; i < num_pieces; ++i) text += kPieces[random() % std::size(kPieces)];
  return text;
}

TEST(ChunkerPropertyTest, HoldForRandomTexts) {
  std::mt19937 random(7);
  for (int i = 0; i < 300; ++i) {
    const auto type = i % 2 == 0 ? MediaType::kMarkdown : MediaType::kPlainText;
    const ParsedDocument document = Parse(RandomText(random), type);
    const auto chunk_tokens = static_cast<std::int32_t>(4 + random() % 40);
    const auto overlap = static_cast<std::int32_t>(random() % (chunk_tokens / 2 + 1));
    SCOPED_TRACE(document.text);
    CheckProperties(document, {chunk_tokens, overlap}, WordTokens);
    CheckProperties(document, {chunk_tokens, overlap}, ByteTokens);
    CheckProperties(document, {chunk_tokens, overlap}, SuperlinearTokens);
    if (HasFatalFailure() || HasNonfatalFailure()) return;
  }
}

TEST(ChunkerTest, EachSentenceAndEachChunkIsCountedAboutOnce) {
  std::string text;
  for (int i = 0; i < 20'000; ++i) text += "Sentence number " + std::to_string(i) + " is here. ";
  std::size_t num_texts = 0;
  std::size_t num_calls = 0;
  const auto counting = [&](std::span<const std::string_view> texts) {
    num_texts += texts.size();
    ++num_calls;
    return WordTokens(texts);
  };
  const auto chunks = Chunker({50, 5}, counting).Split(Parse(text));
  ASSERT_THAT(chunks, IsOk());
  EXPECT_EQ(num_texts, 20'000 + chunks->size());
  EXPECT_LE(num_calls, 6u);
}

}  // namespace
}  // namespace quire::retrieval
