// Token ids recorded from the Hugging Face tokenizers and from SentencePiece by make_references.py.

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "engine/tokenizer/incremental_detokenizer.h"
#include "engine/tokenizer/tokenizer.h"
#include "tests/golden/tokenizer/digest.h"
#include "tests/support/test_files.h"

namespace quire::engine {
namespace {

using nlohmann::json;

const std::filesystem::path kFolder = "tests/golden/tokenizer";

json ReadJsonFile(const std::filesystem::path& path) {
  return json::parse(quire::testing::ReadWholeFile(path));
}

std::string Digest(const std::vector<TokenId>& ids) {
  std::vector<std::string> parts;
  for (const TokenId id : ids) parts.push_back(std::to_string(id));
  return quire::testing::Digest(parts);
}

constexpr EncodeOptions kAsText{.add_special_tokens = false, .parse_special_tokens = false};

class TokenizerGoldenTest : public ::testing::TestWithParam<std::string> {
 protected:
  void SetUp() override {
    auto tokenizer = Tokenizer::Load((kFolder / GetParam()).string());
    ASSERT_TRUE(tokenizer.ok()) << tokenizer.status();
    tokenizer_ = *std::move(tokenizer);
    expected_ = ReadJsonFile(kFolder / GetParam() / "expected.json");
  }

  // Every way to encode `text` gives `plain`, and decoding gives `decoded`.
  void CheckText(const std::string& text, const std::vector<TokenId>& plain,
                 const std::string& decoded) {
    EXPECT_EQ(tokenizer_->Encode(text, kAsText), plain);
    EXPECT_EQ(*tokenizer_->Decode(plain, true), decoded);
    IncrementalDetokenizer stream(*tokenizer_, /*continues=*/false);
    std::string streamed;
    for (const TokenId id : plain) streamed += stream.Push(id);
    EXPECT_EQ(streamed + stream.Finish(), decoded);
    std::vector<TokenId> with_spans;
    std::int64_t end = 0;
    for (const TokenSpan& span : tokenizer_->EncodeWithSpans(text, kAsText)) {
      with_spans.push_back(span.id);
      EXPECT_LE(span.begin, span.end);
      EXPECT_LE(end, span.end);
      end = span.end;
    }
    EXPECT_LE(end, static_cast<std::int64_t>(text.size()));
    EXPECT_EQ(with_spans, plain);
    const TextSegment segment{TextSegment::Kind::kContent, text};
    EXPECT_EQ(tokenizer_->EncodeSegments(std::span(&segment, 1)), plain);
  }

  std::unique_ptr<Tokenizer> tokenizer_;
  json expected_;
};

TEST_P(TokenizerGoldenTest, DifficultTexts) {
  for (const json& entry : expected_["texts"]) {
    const std::string text = entry["text"];
    SCOPED_TRACE(::testing::PrintToString(text));
    CheckText(text, entry["plain"].get<std::vector<TokenId>>(), entry["decoded"]);
    if (!entry.contains("parsed")) continue;
    EXPECT_EQ(tokenizer_->Encode(text, {.add_special_tokens = true, .parse_special_tokens = true}),
              entry["parsed"].get<std::vector<TokenId>>());
  }
}

TEST_P(TokenizerGoldenTest, NaughtyStrings) {
  const auto corpus = quire::testing::SharedData("corpora/blns.json");
  QUIRE_SKIP_WITHOUT(corpus);
  const auto texts = ReadJsonFile(corpus).get<std::vector<std::string>>();
  const auto digests = expected_["naughty"].get<std::vector<std::string>>();
  ASSERT_EQ(texts.size(), digests.size());
  for (std::size_t i = 0; i < texts.size(); ++i) {
    EXPECT_EQ(Digest(tokenizer_->Encode(texts[i], kAsText)), digests[i]) << texts[i];
  }
}

INSTANTIATE_TEST_SUITE_P(HuggingFace, TokenizerGoldenTest,
                         ::testing::Values("gpt2", "llama3", "qwen2", "cased", "sentencepiece",
                                           "metaspace", "wordpiece", "word", "unigram",
                                           "unigram_byte_fallback", "falcon", "clip", "openai",
                                           "continuing", "word_level"),
                         [](const auto& style) { return style.param; });
INSTANTIATE_TEST_SUITE_P(SentencePiece, TokenizerGoldenTest,
                         ::testing::Values("unigram_rules", "unigram_bytes", "unigram_suffix",
                                           "bpe_bytes", "bpe_rules"),
                         [](const auto& style) { return style.param; });

// Greedy text of a trained model: what it wrote is what its tokenizer reads.
TEST(RealTokenizerTest, EncodesAndDecodesTheTextOfARealModel) {
  const auto folder = quire::testing::Stories260k();
  QUIRE_SKIP_WITHOUT(folder);
  const auto tokenizer = Tokenizer::Load(folder.string());
  ASSERT_TRUE(tokenizer.ok()) << tokenizer.status();
  const auto ids = ReadJsonFile(folder / "greedy_ids.json").get<std::vector<TokenId>>();
  std::string text = quire::testing::ReadWholeFile(folder / "greedy.txt");
  text.pop_back();  // the line break at the end of the file
  EXPECT_EQ(*(*tokenizer)->Decode(ids, true), text);
  EXPECT_EQ((*tokenizer)->bos_token_id(), 1);
  EXPECT_EQ((*tokenizer)->eos_token_id(), 2);
  EXPECT_EQ((*tokenizer)->Encode(text, {}).front(), 1);
  EXPECT_EQ(*(*tokenizer)->Decode((*tokenizer)->Encode(text, {}), true), text);
}

}  // namespace
}  // namespace quire::engine
