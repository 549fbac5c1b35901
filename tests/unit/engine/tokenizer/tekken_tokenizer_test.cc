#include "engine/tokenizer/tekken_tokenizer.h"

#include <gmock/gmock.h>

#include "absl/strings/escaping.h"
#include "tests/support/status_matchers.h"
#include "tests/unit/engine/tokenizer/tokenizer_files.h"

namespace quire::engine {
namespace {

using ::quire::testing::FailsWith;
using ::quire::testing::IsOk;
using quire::testing::kInvalid;
using ::testing::ElementsAre;
using testing::WriteText;

constexpr int kControlTokens = 4;
constexpr TokenId kFirstWord = kControlTokens + 256;

// All bytes and some words, after "<unk>", "<s>", "</s>" and one without a name.
nlohmann::json SmallTekken(const std::vector<std::string>& words) {
  nlohmann::json vocab = nlohmann::json::array();
  const auto add = [&vocab](const std::string& bytes) {
    vocab.push_back({{"rank", vocab.size()}, {"token_bytes", absl::Base64Escape(bytes)}});
  };
  for (int byte = 0; byte < 256; ++byte) add(std::string(1, static_cast<char>(byte)));
  for (const std::string& word : words) add(word);
  const auto control = [](int rank, const char* text) {
    return nlohmann::json{{"rank", rank}, {"token_str", text}, {"is_control", true}};
  };
  return {{"config",
           {{"pattern", R"( ?\p{L}+|\p{N})"},
            {"default_vocab_size", vocab.size() + kControlTokens},
            {"default_num_special_tokens", kControlTokens}}},
          {"vocab", vocab},
          {"special_tokens", {control(0, "<unk>"), control(1, "<s>"), control(2, "</s>")}}};
}

StatusOr<std::unique_ptr<Tokenizer>> LoadTekken(const nlohmann::json& file) {
  const quire::testing::TemporaryDirectory directory;
  WriteText(directory.path() / "tekken.json", file.dump());
  return Tokenizer::Load(directory.path().string());
}

TEST(TekkenTokenizerTest, NeighboursThatAreATokenMergeByRank) {
  const auto tokenizer = LoadTekken(SmallTekken({"bc", "ab", "abc", "\xC3\xA9", " a"}));
  ASSERT_THAT(tokenizer, IsOk());
  const EncodeOptions plain{.add_special_tokens = false};
  // "bc" comes before "ab", and both ways lead to "abc".
  EXPECT_THAT((*tokenizer)->Encode("abc", plain), ElementsAre(kFirstWord + 2));
  EXPECT_THAT((*tokenizer)->Encode("abd", plain),
              ElementsAre(kFirstWord + 1, kControlTokens + 'd'));
  EXPECT_THAT((*tokenizer)->Encode("abb", {}),
              ElementsAre(1, kFirstWord + 1, kControlTokens + 'b'));
  EXPECT_THAT((*tokenizer)->Encode("\u00e9 a", plain), ElementsAre(kFirstWord + 3, kFirstWord + 4));
}

TEST(TekkenTokenizerTest, PiecesThatAreATokenStayWhole) {
  const auto tokenizer = LoadTekken(SmallTekken({"abcd"}));  // no merge leads to it
  ASSERT_THAT(tokenizer, IsOk());
  EXPECT_THAT((*tokenizer)->Encode("abcd", {}), ElementsAre(1, kFirstWord));
}

// As tiktoken does.
TEST(TekkenTokenizerTest, TextThatTheExpressionLeavesOutIsDropped) {
  const auto tokenizer = LoadTekken(SmallTekken({}));
  ASSERT_THAT(tokenizer, IsOk());
  const auto ids = (*tokenizer)->Encode("a!7", {.add_special_tokens = false});
  EXPECT_THAT(ids, ElementsAre(kControlTokens + 'a', kControlTokens + '7'));
}

TEST(TekkenTokenizerTest, ControlTokensComeFirstAndHaveNoText) {
  const auto tokenizer = LoadTekken(SmallTekken({"ab"}));
  ASSERT_THAT(tokenizer, IsOk());
  EXPECT_EQ((*tokenizer)->bos_token_id(), 1);
  EXPECT_EQ((*tokenizer)->eos_token_id(), 2);
  EXPECT_EQ((*tokenizer)->TokenText(3), "<SPECIAL_3>");
  EXPECT_EQ((*tokenizer)->vocab_size(), kFirstWord + 1);
  EXPECT_EQ(*(*tokenizer)->Decode(std::vector<TokenId>{1, kFirstWord, 2}, true), "ab");
  EXPECT_EQ(*(*tokenizer)->Decode(std::vector<TokenId>{1, kFirstWord, 2}, false), "<s>ab</s>");
  EXPECT_EQ((*tokenizer)->Encode("<s>", {.parse_special_tokens = true}).size(), 2u);
}

// Files of the first versions have no list of them.
TEST(TekkenTokenizerTest, UnlistedControlTokensHaveTheirUsualNames) {
  nlohmann::json file = SmallTekken({});
  file.erase("special_tokens");
  const auto tokenizer = LoadTekken(file);
  ASSERT_THAT(tokenizer, IsOk());
  EXPECT_EQ((*tokenizer)->TokenText(3), "[INST]");
}

TEST(TekkenTokenizerTest, MalformedFilesAreRefusedWithTheirPlace) {
  nlohmann::json file = SmallTekken({});
  file["vocab"][3]["rank"] = 4;
  EXPECT_THAT(LoadTekken(file).status(), FailsWith(kInvalid, "vocab[3].rank: wanted the place"));
  file = SmallTekken({});
  file["vocab"][3]["token_bytes"] = "?";
  EXPECT_THAT(LoadTekken(file).status(),
              FailsWith(kInvalid, "vocab[3].token_bytes: wanted base64"));
  file = SmallTekken({});
  file["config"]["default_vocab_size"] = 1'000;
  EXPECT_THAT(LoadTekken(file).status(), FailsWith(kInvalid, "vocab: wanted at least 996 tokens"));
  file["config"]["default_vocab_size"] = -1;
  EXPECT_THAT(LoadTekken(file).status(), FailsWith(kInvalid, "config.default_vocab_size: wanted"));
  file = SmallTekken({});
  file["config"]["pattern"] = "(";
  EXPECT_THAT(LoadTekken(file).status(), FailsWith(kInvalid, "config.pattern"));
  file = SmallTekken({});
  file["special_tokens"][1]["rank"] = 4;
  EXPECT_THAT(LoadTekken(file).status(), FailsWith(kInvalid, "special_tokens[1].rank"));
}

}  // namespace
}  // namespace quire::engine
