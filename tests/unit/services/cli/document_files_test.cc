#include "services/cli/document_files.h"

#include <fstream>

#include "tests/support/status_matchers.h"
#include "tests/support/test_files.h"

namespace quire::services::cli {
namespace {

using ::quire::testing::FailsWith;
using ::quire::testing::HasCode;
using ::quire::testing::TemporaryDirectory;
using ::testing::ElementsAre;
using ::testing::Pair;

void Write(const std::filesystem::path& path, const std::string& text) {
  std::filesystem::create_directories(path.parent_path());
  std::ofstream(path) << text;
}

TEST(DocumentIdTest, IsTheFileNameWithAllowedCharacters) {
  std::set<std::string> taken;
  EXPECT_EQ(DocumentId("docs/Price List (2024).md", taken), "Price-List-2024-.md");
  EXPECT_EQ(DocumentId("/tmp/.hidden", taken), "hidden");
  EXPECT_EQ(DocumentId("\xC3\xA9t\xC3\xA9.txt", taken), "-t-.txt");
  EXPECT_EQ(DocumentId("-", taken), "stdin");
}

TEST(DocumentIdTest, FilesOfOneNameAreToldApartByTheirFolders) {
  std::set<std::string> taken;
  EXPECT_EQ(DocumentId("a/readme.md", taken), "readme.md");
  EXPECT_EQ(DocumentId("b/readme.md", taken), "b-readme.md");
  EXPECT_EQ(DocumentId("readme.md", taken), "2-readme.md");
  EXPECT_EQ(DocumentId("readme.md", taken), "3-readme.md");
}

TEST(DocumentIdTest, LongNamesKeepTheirExtension) {
  std::set<std::string> taken;
  const std::string id = DocumentId(std::string(300, 'x') + ".md", taken);
  EXPECT_EQ(id.size(), 128u);
  EXPECT_TRUE(id.ends_with("x.md"));
}

TEST(ExpandPathsTest, AFolderStandsForItsTextFiles) {
  const TemporaryDirectory folder;
  Write(folder.path() / "b.md", "b");
  Write(folder.path() / "a" / "deep.txt", "a");
  Write(folder.path() / "image.png", "no text");
  const auto files = ExpandPaths({folder.path().string()});
  ASSERT_TRUE(files.ok()) << files.status();
  EXPECT_THAT(*files, ElementsAre((folder.path() / "a" / "deep.txt").string(),
                                  (folder.path() / "b.md").string()));
}

TEST(ExpandPathsTest, NamesWhatIsNotThere) {
  const TemporaryDirectory folder;
  EXPECT_THAT(ExpandPaths({"/no/such/file.txt"}),
              FailsWith(absl::StatusCode::kNotFound, "/no/such/file.txt"));
  EXPECT_THAT(ExpandPaths({folder.path().string()}), HasCode(absl::StatusCode::kNotFound));
}

TEST(ReadTextFileTest, RefusesWhatIsNoText) {
  const TemporaryDirectory folder;
  Write(folder.path() / "bad.txt", "good\xFF");
  Write(folder.path() / "empty.txt", "");
  EXPECT_THAT(ReadTextFile((folder.path() / "bad.txt").string()),
              FailsWith(absl::StatusCode::kDataLoss, "invalid byte at offset 4"));
  EXPECT_THAT(ReadTextFile((folder.path() / "empty.txt").string()),
              FailsWith(absl::StatusCode::kDataLoss, "empty file"));
  EXPECT_THAT(ReadTextFile((folder.path() / "none.txt").string()),
              HasCode(absl::StatusCode::kNotFound));
}

TEST(DocumentLineTest, ReadsEveryField) {
  const auto document = ParseDocumentLine(
      R"({"id":"1","title":"T","text":"body","metadata":{"year":1962,"author":"A"}})");
  ASSERT_TRUE(document.ok()) << document.status();
  EXPECT_EQ(document->id, "1");
  EXPECT_EQ(document->title, "T");
  EXPECT_EQ(document->text, "body");
  EXPECT_THAT(document->metadata, ElementsAre(Pair("author", "A"), Pair("year", "1962")));
}

TEST(DocumentLineTest, NamesTheFieldThatIsWrong) {
  const auto fails = [](const char* part) {
    return FailsWith(absl::StatusCode::kInvalidArgument, part);
  };
  EXPECT_THAT(ParseDocumentLine("[]"), fails("JSON object"));
  EXPECT_THAT(ParseDocumentLine(R"({"text":"x"})"), fails("id: wanted a string, have nothing"));
  EXPECT_THAT(ParseDocumentLine(R"({"id":1,"text":"x"})"),
              fails("id: wanted a string, have number"));
  EXPECT_THAT(ParseDocumentLine(R"({"id":"1"})"), fails("text: wanted"));
  EXPECT_THAT(ParseDocumentLine(R"({"id":"1","text":"x","metadata":{"a":[]}})"),
              fails("metadata.a: wanted a string, have array"));
}

}  // namespace
}  // namespace quire::services::cli
