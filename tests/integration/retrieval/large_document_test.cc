#include <sys/resource.h>

#include <random>

#include "tests/integration/retrieval/retrieval_fixture.h"

namespace quire::testing {
namespace {

// Prose of `bytes` bytes in sentences and paragraphs.
std::string Prose(std::size_t bytes) {
  std::mt19937 random(11);
  std::string text;
  text.reserve(bytes + 100);
  while (text.size() < bytes) {
    const unsigned num_words = 5 + random() % 20;
    for (unsigned i = 0; i < num_words; ++i) text += "w" + std::to_string(random() % 5'000) + " ";
    text.back() = '.';
    text += random() % 8 == 0 ? "\n\n" : " ";
  }
  text.resize(bytes);
  return text;
}

class LargeDocumentTest : public RetrievalTest {};

TEST_F(LargeDocumentTest, SixtyFourMebibytesAreStoredAndFoundInBoundedMemory) {
  std::string text = Prose(std::size_t{64} << 20);
  const std::string needle = " The xylophone needle is here. ";
  text.replace(text.size() / 2, needle.size(), needle);
  ASSERT_THAT(Create("c", 200), IsOk());
  const auto uploaded = Upload("c", "book", text);
  ASSERT_THAT(uploaded, IsOk());
  EXPECT_EQ(uploaded->document().text_bytes(), std::int64_t{64} << 20);
  const auto hits = Hits("xylophone needle", retrieval::v1::SEARCH_MODE_LEXICAL);
  ASSERT_FALSE(hits.empty());
  EXPECT_NE(hits[0].find("xylophone needle"), std::string::npos);
  const auto end = Read("collections/c/documents/book", (std::int64_t{64} << 20) - 1'000, 1'000);
  ASSERT_THAT(end, IsOk());
  EXPECT_EQ(end->text(), text.substr(text.size() - 1'000));

  rusage usage{};
  getrusage(RUSAGE_SELF, &usage);
  // Client and both services in one process.
  EXPECT_LT(usage.ru_maxrss, 3 << 20) << "KiB";

  EXPECT_THAT(Upload("c", "more", text + "x"), HasCode(absl::StatusCode::kResourceExhausted));
  Restart();
  EXPECT_EQ(Hits("xylophone needle", retrieval::v1::SEARCH_MODE_LEXICAL), hits);
}

}  // namespace
}  // namespace quire::testing
