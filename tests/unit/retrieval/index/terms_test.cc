#include "retrieval/index/terms.h"

#include <gmock/gmock.h>

#include <string>
#include <vector>

namespace quire::retrieval {
namespace {

using ::testing::ElementsAre;

std::vector<std::string> Terms(std::string_view text) {
  std::vector<std::string> terms;
  ForEachTerm(text, [&](std::string_view term) { terms.emplace_back(term); });
  return terms;
}

TEST(TermsTest, RunsOfLettersAndDigitsWithoutCase) {
  EXPECT_THAT(Terms("The INC-2041 report, v2: it's fine."),
              ElementsAre("the", "inc", "2041", "report", "v2", "it", "s", "fine"));
  EXPECT_THAT(Terms(" .,!"), ElementsAre());
  EXPECT_THAT(Terms(""), ElementsAre());
}

TEST(TermsTest, CompatibilityFormsAreFolded) {
  EXPECT_THAT(Terms("Straße ﬁve Ⅷ ＡＢＣ"), ElementsAre("strasse", "five", "viii", "abc"));
  EXPECT_THAT(Terms("caf\x65\xCC\x81"), ElementsAre("caf\xC3\xA9")) << "one character or two";
}

TEST(TermsTest, AsciiTermsAreTheSameBesideOthers) {
  EXPECT_THAT(Terms("Price: €5 Total"), ElementsAre("price", "5", "total"));
}

TEST(TermsTest, ScriptsWithoutSpacesGivePairs) {
  EXPECT_THAT(Terms("東京都"), ElementsAre("東京", "京都"));
  EXPECT_THAT(Terms("水"), ElementsAre("水"));
  EXPECT_THAT(Terms("iPhone手機。好"), ElementsAre("iphone", "手機", "好"));
}

TEST(TermsTest, OtherAlphabetsAreWords) {
  EXPECT_THAT(Terms("Это ДОМ"), ElementsAre("это", "дом"));
  EXPECT_THAT(Terms("서울 사람"), ElementsAre("서울", "사람"));
}

TEST(TermsTest, ALongTermIsCut) {
  EXPECT_THAT(Terms(std::string(1'000, 'a')), ElementsAre(std::string(64, 'a')));
}

}  // namespace
}  // namespace quire::retrieval
