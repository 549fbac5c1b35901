// The pre-tokenizers that GGUF files name, against recordings made by make_references.py.

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "engine/tokenizer/byte_alphabet.h"
#include "engine/tokenizer/gguf_pre_tokenizers.h"
#include "engine/tokenizer/pre_tokenizer.h"
#include "tests/golden/tokenizer/digest.h"
#include "tests/support/test_files.h"

namespace quire::engine {
namespace {

using nlohmann::json;

json ReadRecording(const std::filesystem::path& path) {
  return json::parse(quire::testing::ReadWholeFile(path));
}

// A digest of the pieces, spelled in the byte-level alphabet.
std::string DigestPieces(const PreTokenizer& pre_tokenizer, const std::string& text) {
  PreTokenizedText work;
  work.text = AlignedText(text, 0, /*tracked=*/false);
  if (!text.empty()) work.pieces = {{0, text.size(), PreTokenizedText::kNoToken}};
  pre_tokenizer.Split(work);
  std::vector<std::string> pieces;
  for (const PreTokenizedText::Piece& piece : work.pieces) {
    pieces.emplace_back();
    for (const char c : work.Text(piece)) pieces.back() += SpellByte(static_cast<unsigned char>(c));
  }
  return quire::testing::Digest(pieces);
}

TEST(PreTokenizerGoldenTest, GgufKindsCutAsTheirTokenizers) {
  const json recorded = ReadRecording("tests/golden/tokenizer/pre_tokenizers.json");
  const auto texts = recorded["texts"].get<std::vector<std::string>>();
  const auto corpus = quire::testing::SharedData("corpora/blns.json");
  std::vector<std::string> naughty;
  if (std::filesystem::exists(corpus)) naughty = ReadRecording(corpus);
  for (const auto& [name, expected] : recorded["kinds"].items()) {
    SCOPED_TRACE(name);
    const auto kind = FindGgufPreTokenizer(name);
    ASSERT_TRUE(kind.has_value());
    const auto setup = NewPreTokenizer(JsonField(kind->pre_tokenizer, "pre_tokenizer"));
    ASSERT_TRUE(setup.ok()) << setup.status();
    for (std::size_t i = 0; i < texts.size(); ++i) {
      EXPECT_EQ(DigestPieces(*setup->pre_tokenizer, texts[i]), expected["texts"][i])
          << ::testing::PrintToString(texts[i]);
    }
    if (naughty.empty()) continue;
    std::vector<std::string> digests;
    for (const std::string& text : naughty) {
      digests.push_back(DigestPieces(*setup->pre_tokenizer, text));
    }
    EXPECT_EQ(quire::testing::Digest(digests), expected["naughty"]);
  }
}

}  // namespace
}  // namespace quire::engine
