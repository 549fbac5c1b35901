#include "engine/tokenizer/sentence_piece_tokenizer.h"

#include <gmock/gmock.h>

#include "tests/support/status_matchers.h"
#include "tests/unit/engine/tokenizer/tokenizer_files.h"

namespace quire::engine {
namespace {

using ::quire::testing::FailsWith;
using ::quire::testing::IsOk;
using quire::testing::kInvalid;
using ::testing::ElementsAre;
using testing::WriteText;

// --- A writer of the messages that a model file is made of ---------------------------------------

std::string Varint(std::uint64_t value) {
  std::string bytes;
  for (; value >= 0x80; value >>= 7) bytes += static_cast<char>(value | 0x80);
  return bytes + static_cast<char>(value);
}
std::string Number(int field, std::uint64_t value) {
  return Varint(static_cast<std::uint64_t>(field) << 3) + Varint(value);
}
std::string Bytes(int field, std::string_view bytes) {
  return Varint(static_cast<std::uint64_t>(field) << 3 | 2) + Varint(bytes.size()) +
         std::string(bytes);
}
std::string Piece(std::string_view text, float score, int type) {
  std::string number(4, '\0');
  std::memcpy(number.data(), &score, sizeof(score));
  return Bytes(1, Bytes(1, text) + "\x15" + number + Number(3, static_cast<std::uint64_t>(type)));
}
// Unknown, control tokens, and "▁", "a", "▁a" as BPE without any normalization.
std::string SmallModel() {
  return Piece("<unk>", 0, 2) + Piece("<s>", 0, 3) + Piece("</s>", 0, 3) + Piece("▁", -2, 1) +
         Piece("a", -3, 1) + Piece("▁a", -1, 1) + Bytes(2, Number(3, 2)) + Bytes(3, Number(4, 0));
}

class SentencePieceTokenizerTest : public ::testing::Test {
 protected:
  StatusOr<std::unique_ptr<Tokenizer>> Load(const std::string& model,
                                            const std::string& config = "") {
    WriteText(directory_.path() / "tokenizer.model", model);
    if (!config.empty()) WriteText(directory_.path() / "tokenizer_config.json", config);
    return Tokenizer::Load(directory_.path().string());
  }
  void ExpectRefused(const std::string& model, const std::string& why) {
    EXPECT_THAT(Load(model).status(), FailsWith(kInvalid, why));
  }

  quire::testing::TemporaryDirectory directory_;
};

// A tenth for each byte but the first, whatever the file says: as SentencePiece 0.2.3 has it.
TEST_F(SentencePieceTokenizerTest, UserDefinedSymbolsHaveAScoreOfTheirOwn) {
  const auto with_whole = [](float score) {
    return Piece("<unk>", 0, 2) + Piece("c", -10, 1) + Piece("ab", -40, 4) +
           Piece("abc", score, 1) + Bytes(2, Number(3, 1)) + Bytes(3, Number(3, 0) + Number(4, 0));
  };
  const auto below = Load(with_whole(-9.95f));
  ASSERT_THAT(below, IsOk());
  EXPECT_THAT((*below)->Encode("abc", {.add_special_tokens = false}), ElementsAre(2, 1));
  const auto above = Load(with_whole(-9.85f));
  ASSERT_THAT(above, IsOk());
  EXPECT_THAT((*above)->Encode("abc", {.add_special_tokens = false}), ElementsAre(3));
}

TEST_F(SentencePieceTokenizerTest, ADirectoryWithoutTokenizerJsonLoads) {
  const auto tokenizer = Load(SmallModel());
  ASSERT_THAT(tokenizer, IsOk());
  EXPECT_THAT((*tokenizer)->Encode("a a", {}), ElementsAre(1, 5, 5));
  EXPECT_EQ(*(*tokenizer)->Decode(std::vector<TokenId>{1, 5, 5, 2}, true), "a a");
  EXPECT_EQ((*tokenizer)->bos_token_id(), 1);
  EXPECT_EQ((*tokenizer)->eos_token_id(), 2);
  EXPECT_TRUE((*tokenizer)->IsSpecial(1));
}

TEST_F(SentencePieceTokenizerTest, ControlTokensComeFromTheTemplateAlone) {
  const auto tokenizer = Load(SmallModel());
  ASSERT_THAT(tokenizer, IsOk());
  const std::vector<TextSegment> segments = {{TextSegment::Kind::kTemplate, "<s>"},
                                             {TextSegment::Kind::kContent, "a"},
                                             {TextSegment::Kind::kTemplate, "</s>"}};
  EXPECT_THAT((*tokenizer)->EncodeSegments(segments), ElementsAre(1, 5, 2));
  const TextSegment content{TextSegment::Kind::kContent, "<s>"};
  for (const TokenId id : (*tokenizer)->EncodeSegments(std::span(&content, 1))) {
    EXPECT_FALSE((*tokenizer)->IsSpecial(id));
  }
}

TEST_F(SentencePieceTokenizerTest, TheConfigurationDecidesWhatIsPutAround) {
  const auto ids = [&](const std::string& config) {
    return (*Load(SmallModel(), config))->Encode("a", {});
  };
  EXPECT_THAT(ids(R"({"add_bos_token": false, "add_eos_token": true})"), ElementsAre(5, 2));
  EXPECT_THAT(ids(R"({"tokenizer_class": "T5Tokenizer"})"), ElementsAre(5, 2));
  EXPECT_THAT(ids(R"({"bos_token": "</s>"})"), ElementsAre(2, 5));
  EXPECT_THAT(ids(R"({"added_tokens_decoder": {"6": {"content": "<|user|>", "special": true}},
              "bos_token": "<|user|>"})"),
              ElementsAre(6, 5));
}

TEST_F(SentencePieceTokenizerTest, ATokenizerJsonIsPreferred) {
  WriteText(directory_.path() / "tokenizer.json", "{}");
  ExpectRefused(SmallModel(), "tokenizer.json");
}

TEST_F(SentencePieceTokenizerTest, MalformedModelsAreRefusedByField) {
  ExpectRefused("", "tokenizer.model: wanted a SentencePiece model, have no pieces");
  ExpectRefused("IQ== 0\n", "tokenizer.model");  // a file of another program
  ExpectRefused(SmallModel() + Piece("", 0, 1), "pieces[6]: wanted a text");
  ExpectRefused(SmallModel() + Piece("a", 0, 1), "pieces: token \"a\"");
  ExpectRefused(SmallModel() + Piece("b", 0, 7),
                "pieces[6].type: wanted a value in [1, 6], have 7");
  ExpectRefused(SmallModel() + Piece("b", 0, 2), "pieces: wanted one of type unknown");
  ExpectRefused(SmallModel() + Bytes(1, Number(1, 5)), "pieces[6].piece: has a wrong type");
  ExpectRefused(SmallModel() + Bytes(2, Number(3, 3)),
                "model_type: wanted UNIGRAM or BPE, have WORD");
  ExpectRefused(SmallModel() + Bytes(3, Bytes(2, "abc")), "precompiled_charsmap");
  ExpectRefused(SmallModel() + Bytes(5, Bytes(2, "abc")), "denormalizer_spec");
  ExpectRefused(SmallModel() + "\x0A\x7F", "cut short");
  ExpectRefused(Piece("b", std::numeric_limits<float>::quiet_NaN(), 1) + SmallModel(),
                "finite score");
}

TEST_F(SentencePieceTokenizerTest, TruncatedModelsNeverCrash) {
  const std::string model =
      quire::testing::ReadWholeFile("tests/golden/tokenizer/unigram_rules/tokenizer.model");
  for (std::size_t size = 0; size < model.size(); size += 13) {
    const auto tokenizer = Load(model.substr(0, size));
    if (tokenizer.ok()) (*tokenizer)->Encode("testing \uFB01", {});
  }
}

}  // namespace
}  // namespace quire::engine
