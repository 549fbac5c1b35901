// GGUF vocabularies and the token ids that the Hugging Face tokenizers they were made from gave.

#include <gtest/gtest.h>

#include <sstream>

#include "engine/tokenizer/tokenizer.h"
#include "tests/support/test_files.h"

namespace quire::engine {
namespace {

constexpr EncodeOptions kGgufAsText{.add_special_tokens = false, .parse_special_tokens = false};

// The texts of an .inp file: each ends in a line of its own.
std::vector<std::string> ReadTexts(const std::filesystem::path& path) {
  const std::string separator = "\n__ggml_vocab_test__\n";
  const std::string content = quire::testing::ReadWholeFile(path);
  std::vector<std::string> texts;
  std::size_t begin = 0;
  for (std::size_t end = content.find(separator); end != content.npos;
       end = content.find(separator, begin)) {
    texts.push_back(content.substr(begin, end - begin));
    begin = end + separator.size();
  }
  return texts;
}

// The ids of an .out file: a line for each text.
std::vector<std::vector<TokenId>> ReadIds(const std::filesystem::path& path) {
  std::istringstream lines(quire::testing::ReadWholeFile(path));
  std::vector<std::vector<TokenId>> ids;
  for (std::string line; std::getline(lines, line);) {
    std::istringstream numbers(line);
    ids.emplace_back();
    for (TokenId id = 0; numbers >> id;) ids.back().push_back(id);
  }
  return ids;
}

TEST(GgufGoldenTest, EncodesAsTheRecordedTokenizers) {
  const auto folder = quire::testing::SharedData("tokenizers");
  QUIRE_SKIP_WITHOUT(folder);
  int num_texts = 0;
  for (const auto& entry : std::filesystem::directory_iterator(folder)) {
    if (entry.path().extension() != ".gguf") continue;
    SCOPED_TRACE(entry.path());
    const auto tokenizer = Tokenizer::Load(entry.path().string());
    ASSERT_TRUE(tokenizer.ok()) << tokenizer.status();
    const auto texts = ReadTexts(entry.path().string() + ".inp");
    const auto ids = ReadIds(entry.path().string() + ".out");
    ASSERT_EQ(texts.size(), ids.size());
    for (std::size_t i = 0; i < texts.size(); ++i) {
      EXPECT_EQ((*tokenizer)->Encode(texts[i], kGgufAsText), ids[i])
          << ::testing::PrintToString(texts[i]);
      ++num_texts;
    }
  }
  EXPECT_GT(num_texts, 0);
}

// Both files of one model say the same.
TEST(GgufGoldenTest, AgreesWithTheDirectoryOfTheSameModel) {
  const auto folder = quire::testing::Stories260k();
  const auto corpus = quire::testing::SharedData("corpora/utf8tests.txt");
  QUIRE_SKIP_WITHOUT(folder);
  QUIRE_SKIP_WITHOUT(corpus);
  const auto from_json = Tokenizer::Load(folder.string());
  const auto from_gguf = Tokenizer::Load((folder / "stories260k-f32.gguf").string());
  ASSERT_TRUE(from_json.ok()) << from_json.status();
  ASSERT_TRUE(from_gguf.ok()) << from_gguf.status();
  EXPECT_EQ((*from_gguf)->bos_token_id(), (*from_json)->bos_token_id());
  EXPECT_EQ((*from_gguf)->eos_token_id(), (*from_json)->eos_token_id());
  std::istringstream lines(quire::testing::ReadWholeFile(corpus));
  for (std::string line; std::getline(lines, line);) {
    const std::vector<TokenId> ids = (*from_json)->Encode(line, {});
    EXPECT_EQ((*from_gguf)->Encode(line, {}), ids) << line;
    EXPECT_EQ(*(*from_gguf)->Decode(ids, true), *(*from_json)->Decode(ids, true));
  }
}

}  // namespace
}  // namespace quire::engine
