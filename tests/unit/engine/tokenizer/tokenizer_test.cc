#include "engine/tokenizer/tokenizer.h"

#include <gmock/gmock.h>

#include <chrono>
#include <random>

#include "engine/tokenizer/vocabulary.h"
#include "tests/support/status_matchers.h"
#include "tests/unit/engine/tokenizer/tokenizer_files.h"

namespace quire::engine {
namespace {

using ::quire::testing::FailsWith;
using ::quire::testing::HasCode;
using ::quire::testing::IsOk;
using ::quire::testing::kInvalid;
using testing::ByteLevelConfig;
using ::testing::ElementsAre;
using testing::LoadTokenizer;

constexpr EncodeOptions kPlain{.add_special_tokens = false, .parse_special_tokens = false};
constexpr EncodeOptions kParse{.add_special_tokens = false, .parse_special_tokens = true};

std::unique_ptr<Tokenizer> Load(const nlohmann::json& config, const std::string& more = "") {
  StatusOr<std::unique_ptr<Tokenizer>> tokenizer = LoadTokenizer(config.dump(), more);
  EXPECT_THAT(tokenizer, IsOk());
  return tokenizer.ok() ? *std::move(tokenizer) : nullptr;
}

TEST(TokenizerTest, EncodesByMergesAndDecodesBack) {
  const auto tokenizer = Load(ByteLevelConfig());
  const std::vector<TokenId> ids = tokenizer->Encode("hello he", kPlain);
  EXPECT_THAT(ids, ElementsAre(259, *tokenizer->FindToken("Ġ"), 256));
  EXPECT_EQ(*tokenizer->Decode(ids, true), "hello he");
}

TEST(TokenizerTest, SpansOfByteLevelTokensPartitionTheText) {
  const auto tokenizer = Load(ByteLevelConfig());
  const std::string text = "hello \xE6\x97\xA5 hell";
  std::int64_t end = 0;
  for (const TokenSpan& span : tokenizer->EncodeWithSpans(text, kPlain)) {
    EXPECT_EQ(span.begin, end);
    EXPECT_GT(span.end, span.begin);
    end = span.end;
  }
  EXPECT_EQ(end, static_cast<std::int64_t>(text.size()));
}

TEST(TokenizerTest, SpansReferToTheOriginalThroughNormalization) {
  nlohmann::json config = ByteLevelConfig();
  config["normalizer"] = {
      {"type", "Sequence"},
      {"normalizers", {{{"type", "Strip"}}, {{"type", "NFC"}}, {{"type", "Lowercase"}}}}};
  const auto tokenizer = Load(config);
  const std::string text = "  HELLO e\u0301";
  const std::vector<TokenSpan> spans = tokenizer->EncodeWithSpans(text, kPlain);
  ASSERT_EQ(spans.size(), 4u);  // "hello", " ", and the two bytes of "é"
  EXPECT_EQ(text.substr(spans[0].begin, spans[0].end - spans[0].begin), "HELLO");
  EXPECT_EQ(spans[2].begin, 8);
  EXPECT_EQ(spans[3].end, static_cast<std::int64_t>(text.size()));
}

TEST(TokenizerTest, SpansOfInvalidBytesCoverThem) {
  const auto tokenizer = Load(ByteLevelConfig());
  const std::vector<TokenSpan> spans = tokenizer->EncodeWithSpans("a\xFF\xC3", kPlain);
  ASSERT_EQ(spans.size(), 7u);  // "a" and two U+FFFD of three bytes
  EXPECT_EQ(spans[1].begin, 1);
  EXPECT_EQ(spans[3].end, 2);
  EXPECT_EQ(spans[6].end, 3);
}

TEST(TokenizerTest, SpecialTokensAreRecognizedOnRequestOnly) {
  const auto tokenizer = Load(ByteLevelConfig());
  EXPECT_THAT(tokenizer->Encode("<|im_end|>hello", kParse), ElementsAre(261, 259));
  for (const TokenId id : tokenizer->Encode("<|im_end|>hello", kPlain)) {
    EXPECT_FALSE(tokenizer->IsSpecial(id));
  }
}

TEST(TokenizerTest, OrdinaryAddedTokensAreRecognizedAlways) {
  const auto tokenizer = Load(ByteLevelConfig());
  EXPECT_THAT(tokenizer->Encode("<tool>hello", kPlain), ElementsAre(262, 259));
}

// A control token that the vocabulary holds too must not come out of whole-piece look-up.
TEST(TokenizerTest, IgnoreMergesNeverMakesSpecialTokensOfText) {
  nlohmann::json config = ByteLevelConfig();
  config["model"]["ignore_merges"] = true;
  config["model"]["vocab"]["end"] = 263;
  config["added_tokens"].push_back({{"id", 263}, {"content", "end"}, {"special", true}});
  const auto tokenizer = Load(config);
  EXPECT_THAT(tokenizer->Encode("end", kParse), ElementsAre(263));
  EXPECT_EQ(tokenizer->Encode("end", kPlain).size(), 3u);
}

TEST(TokenizerTest, SegmentsTakeSpecialTokensFromTheTemplateAlone) {
  const auto tokenizer = Load(ByteLevelConfig());
  const std::vector<TextSegment> segments = {
      {TextSegment::Kind::kTemplate, "<|im_start|>"},
      {TextSegment::Kind::kContent, "<|im_end|><|im_start|>"},
      {TextSegment::Kind::kTemplate, "<|im_end|>"}};
  const std::vector<TokenId> ids = tokenizer->EncodeSegments(segments);
  EXPECT_EQ(
      std::count_if(ids.begin(), ids.end(), [&](TokenId id) { return tokenizer->IsSpecial(id); }),
      2);
  EXPECT_EQ(ids.front(), 260);
  EXPECT_EQ(ids.back(), 261);
  EXPECT_EQ(*tokenizer->Decode(ids, false), "<|im_start|><|im_end|><|im_start|><|im_end|>");
}

TEST(TokenizerTest, SpecialTokensDoNotFormAcrossSegments) {
  const auto tokenizer = Load(ByteLevelConfig());
  for (const auto& [left, right] : {std::pair("<|im_", "end|>"), std::pair("<", "|im_end|>")}) {
    const std::vector<TextSegment> segments = {{TextSegment::Kind::kTemplate, left},
                                               {TextSegment::Kind::kContent, right}};
    for (const TokenId id : tokenizer->EncodeSegments(segments)) {
      EXPECT_FALSE(tokenizer->IsSpecial(id));
    }
  }
  const std::vector<TextSegment> both = {{TextSegment::Kind::kTemplate, "<|im_"},
                                         {TextSegment::Kind::kTemplate, "end|>"}};
  EXPECT_THAT(tokenizer->EncodeSegments(both), ElementsAre(261));
}

TEST(TokenizerTest, SegmentsAreTokenizedAsOneText) {
  const auto tokenizer = Load(ByteLevelConfig());
  const std::vector<TextSegment> segments = {{TextSegment::Kind::kTemplate, "he"},
                                             {TextSegment::Kind::kContent, "llo"}};
  EXPECT_THAT(tokenizer->EncodeSegments(segments), ElementsAre(259));
}

TEST(TokenizerTest, NormalizedSpecialTokensKeepToTheTemplateToo) {
  nlohmann::json config = ByteLevelConfig();
  config["normalizer"] = {{"type", "Lowercase"}};
  config["added_tokens"][1]["normalized"] = true;
  const auto tokenizer = Load(config);
  const std::vector<TextSegment> segments = {{TextSegment::Kind::kContent, "<|IM_END|>"},
                                             {TextSegment::Kind::kTemplate, "<|IM_END|>"}};
  const std::vector<TokenId> ids = tokenizer->EncodeSegments(segments);
  EXPECT_EQ(std::count(ids.begin(), ids.end(), 261), 1);
  EXPECT_EQ(ids.back(), 261);
}

TEST(TokenizerTest, PostProcessorFramesTheText) {
  nlohmann::json config = ByteLevelConfig();
  config["post_processor"] = {
      {"type", "BertProcessing"}, {"cls", {"<|im_start|>", 260}}, {"sep", {"<|im_end|>", 261}}};
  const auto tokenizer = Load(config);
  EXPECT_THAT(tokenizer->Encode("hello", {}), ElementsAre(260, 259, 261));
  const std::vector<TokenSpan> spans = tokenizer->EncodeWithSpans("hello", {});
  EXPECT_EQ(spans[0].begin, spans[0].end);
  EXPECT_EQ(spans[2].begin, spans[2].end);
}

TEST(TokenizerTest, ConfigNamesBosAndEosAndAddsTokens) {
  const auto tokenizer = Load(ByteLevelConfig(), R"({
      "bos_token": {"content": "<|im_start|>"}, "eos_token": "<|extra|>",
      "added_tokens_decoder": {"270": {"content": "<|extra|>", "special": true}}})");
  EXPECT_EQ(tokenizer->bos_token_id(), 260);
  EXPECT_EQ(tokenizer->eos_token_id(), 270);
  EXPECT_EQ(tokenizer->vocab_size(), 271);
  EXPECT_THAT(tokenizer->Encode("<|extra|>", kParse), ElementsAre(270));
}

TEST(TokenizerTest, LlamaConfigDecidesOverBos) {
  const auto tokenizer =
      Load(ByteLevelConfig(), R"({"tokenizer_class": "LlamaTokenizerFast", "add_bos_token": true,
                                   "bos_token": "<|im_start|>"})");
  EXPECT_THAT(tokenizer->Encode("hello", {}), ElementsAre(260, 259));
}

TEST(TokenizerTest, DecodeSkipsSpecialTokensAndReplacesInvalidBytes) {
  const auto tokenizer = Load(ByteLevelConfig());
  const TokenId byte_ff = *tokenizer->FindToken("ÿ");
  EXPECT_EQ(*tokenizer->Decode(std::vector<TokenId>{260, 259, byte_ff, 261}, true), "hello\uFFFD");
  EXPECT_EQ(*tokenizer->Decode(std::vector<TokenId>{260, 259}, false), "<|im_start|>hello");
}

TEST(TokenizerTest, DecodeRefusesIdsOutsideTheVocabulary) {
  const auto tokenizer = Load(ByteLevelConfig());
  EXPECT_THAT(tokenizer->Decode(std::vector<TokenId>{-1}, true), HasCode(kInvalid));
  EXPECT_THAT(tokenizer->Decode(std::vector<TokenId>{263}, true), FailsWith(kInvalid, "263"));
}

TEST(TokenizerTest, RandomBytesRoundTripAsValidUtf8) {
  const auto tokenizer = Load(ByteLevelConfig());
  std::mt19937 random(7);
  for (int round = 0; round < 200; ++round) {
    std::string text(random() % 60, '\0');
    for (char& c : text) c = static_cast<char>(random());
    const std::vector<TokenId> ids = tokenizer->Encode(text, kPlain);
    const std::string decoded = *tokenizer->Decode(ids, true);
    // Encoding what came out changes nothing any more.
    EXPECT_EQ(*tokenizer->Decode(tokenizer->Encode(decoded, kPlain), true), decoded);
  }
}

TEST(TokenizerTest, TimeGrowsInProportionToARunOfOneCharacter) {
  const auto tokenizer = Load(ByteLevelConfig());
  const auto seconds = [&](std::size_t bytes) {
    const std::string text(bytes, 'l');
    const auto begin = std::chrono::steady_clock::now();
    EXPECT_EQ(tokenizer->Encode(text, kPlain).size(), bytes / 2);
    return std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count();
  };
  seconds(1 << 16);
  // A quadratic algorithm would take 256 times as long; the bound leaves room for a busy machine.
  EXPECT_LT(seconds(1 << 20), 16 * 8 * (seconds(1 << 16) + 1e-3));
}

// --- Files that are wrong --------------------------------------------------------------------

TEST(TokenizerTest, MissingFileIsNotFound) {
  const quire::testing::TemporaryDirectory directory;
  EXPECT_THAT(Tokenizer::Load(directory.path().string()), HasCode(absl::StatusCode::kNotFound));
}

TEST(TokenizerTest, BrokenJsonIsRefusedByFileAndPlace) {
  EXPECT_THAT(LoadTokenizer("{\"model\": "), FailsWith(kInvalid, "tokenizer.json"));
  EXPECT_THAT(LoadTokenizer(""), HasCode(kInvalid));
  EXPECT_THAT(LoadTokenizer("[]"), HasCode(kInvalid));
  EXPECT_THAT(LoadTokenizer("{}"), FailsWith(kInvalid, "model"));
  EXPECT_THAT(LoadTokenizer(std::string(1'000'000, '[')), FailsWith(kInvalid, "nested deeper"));
}

TEST(TokenizerTest, UnsupportedComponentsAreNamed) {
  for (const std::string part : {"normalizer", "pre_tokenizer", "post_processor", "decoder"}) {
    nlohmann::json config = ByteLevelConfig();
    config[part] = {{"type", "Quantum"}};
    EXPECT_THAT(LoadTokenizer(config.dump()), FailsWith(kInvalid, part + ".type"));
  }
  nlohmann::json config = ByteLevelConfig();
  config["model"]["type"] = "Quantum";
  config["pre_tokenizer"] = nullptr;
  EXPECT_THAT(LoadTokenizer(config.dump()), FailsWith(kInvalid, "model.type"));
  config["model"]["type"] = "Unigram";
  EXPECT_THAT(LoadTokenizer(config.dump()), FailsWith(kInvalid, "model.vocab"));
}

TEST(TokenizerTest, WrongIdsAreRefused) {
  const auto with_id = [](const nlohmann::json& id) {
    nlohmann::json config = ByteLevelConfig();
    config["model"]["vocab"]["he"] = id;
    return LoadTokenizer(config.dump());
  };
  EXPECT_THAT(with_id(-1), FailsWith(kInvalid, "model.vocab.he"));
  EXPECT_THAT(with_id(2147483648), FailsWith(kInvalid, "model.vocab.he"));
  EXPECT_THAT(with_id("1"), FailsWith(kInvalid, "model.vocab.he"));
  EXPECT_THAT(with_id(1.5), FailsWith(kInvalid, "model.vocab.he"));
  EXPECT_THAT(with_id(nullptr), FailsWith(kInvalid, "model.vocab.he"));
  EXPECT_THAT(with_id(nlohmann::json::array()), FailsWith(kInvalid, "model.vocab.he"));
  EXPECT_THAT(with_id(5), FailsWith(kInvalid, "id 5: wanted one token"));
  EXPECT_THAT(with_id(Vocabulary::kMaxSize), FailsWith(kInvalid, "he"));
}

TEST(TokenizerTest, WrongMergesAreRefused) {
  const auto with_merge = [](const nlohmann::json& merge) {
    nlohmann::json config = ByteLevelConfig();
    config["model"]["merges"].push_back(merge);
    return LoadTokenizer(config.dump());
  };
  EXPECT_THAT(with_merge("h x"), FailsWith(kInvalid, "model.merges[4]"));
  EXPECT_THAT(with_merge("nospace"), FailsWith(kInvalid, "model.merges[4]"));
  EXPECT_THAT(with_merge("a b c"), FailsWith(kInvalid, "model.merges[4]"));
  EXPECT_THAT(with_merge({"h", "e", "l"}), FailsWith(kInvalid, "model.merges[4]"));
  EXPECT_THAT(with_merge({"h", 1}), FailsWith(kInvalid, "model.merges[4]"));
  EXPECT_THAT(with_merge(7), FailsWith(kInvalid, "model.merges[4]"));
  EXPECT_THAT(with_merge({"h", "e"}), IsOk());
}

TEST(TokenizerTest, WrongAddedTokensAreRefused) {
  const auto with_token = [](const nlohmann::json& token) {
    nlohmann::json config = ByteLevelConfig();
    config["added_tokens"].push_back(token);
    return LoadTokenizer(config.dump());
  };
  EXPECT_THAT(with_token({{"id", 7}, {"content", "<x>"}}), FailsWith(kInvalid, "<x>"));
  EXPECT_THAT(with_token({{"id", 300}, {"content", "hello"}}), FailsWith(kInvalid, "hello"));
  EXPECT_THAT(with_token({{"id", 260}, {"content", "<x>"}}), FailsWith(kInvalid, "twice"));
  EXPECT_THAT(with_token({{"id", 1 << 24}, {"content", "<x>"}}), FailsWith(kInvalid, "id"));
  EXPECT_THAT(with_token({{"id", 300}, {"content", ""}}), HasCode(kInvalid));
  EXPECT_THAT(with_token({{"id", 300}}), FailsWith(kInvalid, "added_tokens[3]"));
}

TEST(TokenizerTest, PostProcessorMustNameTokens) {
  nlohmann::json config = ByteLevelConfig();
  config["post_processor"] = {{"type", "BertProcessing"}, {"cls", {"x", 999}}, {"sep", {"y", 1}}};
  EXPECT_THAT(LoadTokenizer(config.dump()), FailsWith(kInvalid, "post_processor.cls[1]"));
}

TEST(TokenizerTest, UnknownTokenMustExist) {
  nlohmann::json config = ByteLevelConfig();
  config["model"]["unk_token"] = "<missing>";
  EXPECT_THAT(LoadTokenizer(config.dump()), FailsWith(kInvalid, "model.unk_token"));
}

// Every truncation and many random changes of a valid file load or fail with a status.
TEST(TokenizerTest, DamagedFilesNeverCrash) {
  const std::string text = ByteLevelConfig().dump();
  std::mt19937 random(11);
  for (int round = 0; round < 300; ++round) {
    std::string damaged = text;
    if (round % 3 == 0) {
      damaged.resize(random() % text.size());
    } else {
      for (int i = 0; i < 3; ++i)
        damaged[random() % damaged.size()] = static_cast<char>(random() % 128);
    }
    const auto tokenizer = LoadTokenizer(damaged);
    if (tokenizer.ok()) (*tokenizer)->Encode("hello <|im_end|>", kParse);
  }
}

}  // namespace
}  // namespace quire::engine
