// Token ids recorded from the Hugging Face tokenizers by make_references.py.

#include <gtest/gtest.h>

#include <fstream>
#include <nlohmann/json.hpp>

#include "base/sha256.h"
#include "engine/tokenizer/tokenizer.h"
#include "tests/support/test_files.h"

namespace quire::engine {
namespace {

using nlohmann::json;

const std::filesystem::path kFolder = "tests/golden/tokenizer";

json ReadJsonFile(const std::filesystem::path& path) {
  std::ifstream file(path);
  return json::parse(file);
}

// The first 12 hexadecimal digits of the SHA-256 of the ids, joined by commas.
std::string Digest(const std::vector<TokenId>& ids) {
  std::string list;
  for (const TokenId id : ids) {
    if (!list.empty()) list += ',';
    list += std::to_string(id);
  }
  const auto bytes = [](const std::string& text) {
    return std::span(reinterpret_cast<const std::uint8_t*>(text.data()), text.size());
  };
  Sha256 hash;
  hash.Update(bytes(list));
  return ToHex(bytes(hash.Finish())).substr(0, 12);
}

class TokenizerGoldenTest : public ::testing::TestWithParam<std::string> {
 protected:
  void SetUp() override {
    auto tokenizer = Tokenizer::Load((kFolder / GetParam()).string());
    ASSERT_TRUE(tokenizer.ok()) << tokenizer.status();
    tokenizer_ = *std::move(tokenizer);
    expected_ = ReadJsonFile(kFolder / GetParam() / "expected.json");
  }

  std::unique_ptr<Tokenizer> tokenizer_;
  json expected_;
};

TEST_P(TokenizerGoldenTest, DifficultTexts) {
  for (const json& entry : expected_["texts"]) {
    const std::string text = entry["text"];
    SCOPED_TRACE(::testing::PrintToString(text));
    EXPECT_EQ(tokenizer_->Encode(text, {.add_special_tokens = true, .parse_special_tokens = true}),
              entry["parsed"].get<std::vector<TokenId>>());
    const auto plain = entry["plain"].get<std::vector<TokenId>>();
    const EncodeOptions as_text{.add_special_tokens = false, .parse_special_tokens = false};
    EXPECT_EQ(tokenizer_->Encode(text, as_text), plain);
    EXPECT_EQ(*tokenizer_->Decode(plain, true), entry["decoded"].get<std::string>());
    std::vector<TokenId> with_spans;
    std::int64_t end = 0;
    for (const TokenSpan& span : tokenizer_->EncodeWithSpans(text, as_text)) {
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
}

TEST_P(TokenizerGoldenTest, NaughtyStrings) {
  const auto corpus = quire::testing::SharedData("corpora/blns.json");
  QUIRE_SKIP_WITHOUT(corpus);
  const auto texts = ReadJsonFile(corpus).get<std::vector<std::string>>();
  const auto digests = expected_["naughty"].get<std::vector<std::string>>();
  ASSERT_EQ(texts.size(), digests.size());
  for (std::size_t i = 0; i < texts.size(); ++i) {
    const std::vector<TokenId> ids =
        tokenizer_->Encode(texts[i], {.add_special_tokens = false, .parse_special_tokens = false});
    EXPECT_EQ(Digest(ids), digests[i]) << texts[i];
  }
}

INSTANTIATE_TEST_SUITE_P(Styles, TokenizerGoldenTest,
                         ::testing::Values("gpt2", "llama3", "qwen2", "cased", "sentencepiece",
                                           "metaspace", "wordpiece", "word"),
                         [](const auto& style) { return style.param; });

// Greedy text of a trained model: what it wrote is what its tokenizer reads.
TEST(RealTokenizerTest, EncodesAndDecodesTheTextOfARealModel) {
  const auto folder = quire::testing::SharedData("models/stories260k");
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
