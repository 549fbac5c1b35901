#include "engine/tokenizer/gguf_tokenizer.h"

#include <gmock/gmock.h>

#include "engine/tokenizer/gguf_pre_tokenizers.h"
#include "engine/tokenizer/pre_tokenizer.h"
#include "tests/support/gguf_writer.h"
#include "tests/support/status_matchers.h"
#include "tests/unit/engine/tokenizer/tokenizer_files.h"

namespace quire::engine {
namespace {

using ::quire::testing::FailsWith;
using ::quire::testing::GgufWriter;
using ::quire::testing::HasCode;
using ::quire::testing::IsOk;
using quire::testing::kInvalid;
using ::testing::ElementsAre;
constexpr EncodeOptions kTextOnly{.add_special_tokens = false, .parse_special_tokens = false};

StatusOr<std::unique_ptr<Tokenizer>> Load(const GgufWriter& writer) {
  const quire::testing::TemporaryDirectory directory;
  const std::string path = (directory.path() / "model.gguf").string();
  testing::WriteText(path, writer.Bytes());
  return Tokenizer::Load(path);
}

GgufWriter Model(std::string_view model, const std::vector<std::string>& tokens,
                 const std::vector<std::int32_t>& types = {}) {
  GgufWriter writer;
  writer.String("tokenizer.ggml.model", model).Strings("tokenizer.ggml.tokens", tokens);
  if (!types.empty()) writer.I32s("tokenizer.ggml.token_type", types);
  return writer;
}
GgufWriter Llama() {
  return Model("llama", {"<unk>", "<s>", "</s>", "<0x0A>", "▁", "a", "▁a", "<tool>"},
               {2, 3, 3, 6, 1, 1, 1, 4})
      .Floats("tokenizer.ggml.scores", {0, 0, 0, 0, -2, -3, -1, 0});
}

TEST(GgufTokenizerTest, LlamaMergesByScoreAndPutsBosBefore) {
  const auto tokenizer = Load(Llama());
  ASSERT_THAT(tokenizer, IsOk());
  EXPECT_THAT((*tokenizer)->Encode("a\n", {}), ElementsAre(1, 6, 3));
  EXPECT_THAT((*tokenizer)->Encode("", {}), ElementsAre(1));
  EXPECT_EQ(*(*tokenizer)->Decode(std::vector<TokenId>{1, 6, 3, 5}, true), "a\na");
  // Ordinary added tokens are found in any text, control tokens are not.
  EXPECT_THAT((*tokenizer)->Encode("a<tool>a", kTextOnly), ElementsAre(6, 7, 6));
  EXPECT_THAT((*tokenizer)->Encode("<s>", kTextOnly), ::testing::Not(::testing::Contains(1)));
}

TEST(GgufTokenizerTest, KeysDecideWhatIsPutAround) {
  GgufWriter writer = Llama();
  writer.Bool("tokenizer.ggml.add_bos_token", false).Bool("tokenizer.ggml.add_eos_token", true);
  writer.Bool("tokenizer.ggml.add_space_prefix", false);
  EXPECT_THAT((*Load(writer))->Encode("a", {}), ElementsAre(5, 2));
}

TEST(GgufTokenizerTest, WithoutTypesControlTokensAreThoseThatKeysName) {
  GgufWriter writer = Model("llama", {"<unk>", "<s>", "▁", "a", "▁a"});
  writer.Floats("tokenizer.ggml.scores", {0, 0, -2, -3, -1});
  writer.U32("tokenizer.ggml.bos_token_id", 1).U32("tokenizer.ggml.unknown_token_id", 0);
  const auto tokenizer = Load(writer);
  ASSERT_THAT(tokenizer, IsOk());
  EXPECT_TRUE((*tokenizer)->IsSpecial(1));
  EXPECT_THAT((*tokenizer)->Encode("a?", {}), ElementsAre(1, 4, 0));
}

TEST(GgufTokenizerTest, BertWordsAreWordPieces) {
  GgufWriter writer =
      Model("bert", {"[UNK]", "[CLS]", "[SEP]", "▁once", "on", "▁o", "nce"}, {3, 3, 3, 1, 1, 1, 1});
  writer.U32("tokenizer.ggml.unknown_token_id", 0).U32("tokenizer.ggml.cls_token_id", 1);
  writer.U32("tokenizer.ggml.seperator_token_id", 2);
  const auto tokenizer = Load(writer);
  ASSERT_THAT(tokenizer, IsOk());
  EXPECT_THAT((*tokenizer)->Encode("Once ONCEON x", {}), ElementsAre(1, 3, 3, 4, 0, 2));
  EXPECT_EQ(*(*tokenizer)->Decode(std::vector<TokenId>{1, 3, 4, 3, 2}, true), "onceon once");
}

TEST(GgufTokenizerTest, WrongVocabulariesAreRefusedByKey) {
  EXPECT_THAT(Load(GgufWriter()), HasCode(absl::StatusCode::kNotFound));
  EXPECT_THAT(Load(Model("rwkv", {"a"})),
              FailsWith(kInvalid, "tokenizer.ggml.model: wanted llama, t5, gpt2 or bert"));
  EXPECT_THAT(Load(Model("llama", {})), FailsWith(kInvalid, "tokenizer.ggml.tokens: wanted 1 to"));
  EXPECT_THAT(Load(Model("llama", {"a", "b"}).Floats("tokenizer.ggml.scores", {0})),
              FailsWith(kInvalid, "tokenizer.ggml.scores: wanted one for each of 2 tokens"));
  // The published crash of another reader: scores and types of a wrong type.
  EXPECT_THAT(Load(Model("llama", {"a"}).Strings("tokenizer.ggml.scores", {"x"})),
              FailsWith(kInvalid, "tokenizer.ggml.scores: wanted an array of numbers"));
  EXPECT_THAT(Load(Model("llama", {"a"}).Floats("tokenizer.ggml.token_type", {1})),
              FailsWith(kInvalid, "tokenizer.ggml.token_type: wanted an array of integers"));
  EXPECT_THAT(Load(Model("llama", {"a", "b"}, {1})),
              FailsWith(kInvalid, "tokenizer.ggml.token_type: wanted one for each"));
  EXPECT_THAT(Load(Model("llama", {"a", "a"}, {1, 1})), FailsWith(kInvalid, "wanted one id"));
  EXPECT_THAT(Load(Model("gpt2", {"a"}).String("tokenizer.ggml.pre", "quantum")),
              FailsWith(kInvalid, "tokenizer.ggml.pre: wanted a pre-tokenizer that we know"));
  EXPECT_THAT(Load(Model("gpt2", {"a"}).Strings("tokenizer.ggml.merges", {"ab"})),
              FailsWith(kInvalid, "tokenizer.ggml.merges[0]: wanted two pieces"));
  EXPECT_THAT(Load(Model("gpt2", {"a"}).Strings("tokenizer.ggml.merges", {"a b"})),
              FailsWith(kInvalid, "tokenizer.ggml.merges[0]: wanted pieces of the vocabulary"));
  EXPECT_THAT(Load(Llama().Strings("tokenizer.ggml.bos_token_id", {"1"})),
              FailsWith(kInvalid, "tokenizer.ggml.bos_token_id"));
}

TEST(GgufTokenizerTest, EmptyTokensGetATextOfTheirOwn) {
  const auto tokenizer = Load(Model("gpt2", {"a", "", ""}, {1, 5, 5}));
  ASSERT_THAT(tokenizer, IsOk());
  EXPECT_EQ((*tokenizer)->vocab_size(), 3);
  EXPECT_THAT((*tokenizer)->Encode("a", kTextOnly), ElementsAre(0));
}

}  // namespace
}  // namespace quire::engine
