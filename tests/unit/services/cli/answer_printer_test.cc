#include "services/cli/answer_printer.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "services/cli/json_text.h"

namespace quire::services::cli {
namespace {

using ::testing::HasSubstr;
using ::testing::internal::CaptureStdout;
using ::testing::internal::GetCapturedStdout;

orchestrator::v1::Citation MakeCitation(const std::string& document, const std::string& title) {
  orchestrator::v1::Citation citation;
  citation.set_number(2);
  auto& source = *citation.mutable_source();
  source.set_document(document);
  source.set_title(title);
  source.set_start(120);
  source.set_end(140);
  source.set_quote("Staff may\n  leave early.");
  return citation;
}

orchestrator::v1::AnswerEvent DeltaEvent(const std::string& text) {
  orchestrator::v1::AnswerEvent event;
  event.mutable_delta()->set_text(text);
  return event;
}

TEST(ShortenToLineTest, JoinsWhiteSpaceAndCutsBetweenCharacters) {
  EXPECT_EQ(ShortenToLine("  one\n\ttwo  \n", 80), "one two");
  EXPECT_EQ(ShortenToLine("one two three", 7), "one two...");
  EXPECT_EQ(ShortenToLine("\xC3\xA9\xC3\xA9\xC3\xA9", 2), "\xC3\xA9\xC3\xA9...");
  EXPECT_EQ(ShortenToLine("", 5), "");
}

TEST(FormatSourceTest, NamesDocumentRangeAndQuoteInOneLine) {
  EXPECT_EQ(FormatSource(MakeCitation("collections/c/documents/handbook.md", "")),
            "[2] handbook.md, bytes 120-140: \"Staff may leave early.\"");
  EXPECT_EQ(FormatSource(MakeCitation("dir/file.txt", "The Handbook")),
            "[2] dir/file.txt (The Handbook), bytes 120-140: \"Staff may leave early.\"");
}

TEST(AnswerPrinterTest, TextIsTheAnswerThenItsSources) {
  AnswerPrinter printer(AnswerFormat::kText, Terminal{}, {});
  CaptureStdout();
  printer.Handle(DeltaEvent("They may "));
  printer.Handle(DeltaEvent("leave [2]."));
  orchestrator::v1::AnswerEvent last;
  last.mutable_answer()->set_text("They may leave [2].");
  *last.mutable_answer()->add_citations() = MakeCitation("handbook.md", "");
  printer.Handle(last);
  printer.Finish(/*with_statistics=*/false);
  EXPECT_EQ(GetCapturedStdout(),
            "They may leave [2].\n\nSources\n"
            "[2] handbook.md, bytes 120-140: \"Staff may leave early.\"\n");
}

TEST(AnswerPrinterTest, AnAnswerThatDidNotStreamIsPrintedAtTheEnd) {
  AnswerPrinter printer(AnswerFormat::kText, Terminal{}, {});
  CaptureStdout();
  orchestrator::v1::AnswerEvent event;
  event.mutable_answer()->set_text("Whole.");
  printer.Handle(event);
  printer.Finish(/*with_statistics=*/false);
  EXPECT_EQ(GetCapturedStdout(), "Whole.\n");
}

TEST(AnswerPrinterTest, JsonIsOneAnswerWithItsUsage) {
  AnswerPrinter printer(AnswerFormat::kJson, Terminal{}, {});
  CaptureStdout();
  printer.Handle(DeltaEvent("Whole."));
  orchestrator::v1::AnswerEvent answer;
  answer.mutable_answer()->set_text("Whole.");
  printer.Handle(answer);
  orchestrator::v1::AnswerEvent usage;
  usage.mutable_usage()->set_model_calls(3);
  printer.Handle(usage);
  printer.Finish(/*with_statistics=*/false);
  orchestrator::v1::Answer expected = answer.answer();
  expected.mutable_usage()->set_model_calls(3);
  EXPECT_EQ(GetCapturedStdout(), ToJson(expected) + "\n");
}

TEST(AnswerPrinterTest, SourcesOfATemporaryCollectionNameTheFile) {
  AnswerPrinter printer(AnswerFormat::kJson, Terminal{},
                        {{"collections/temporary/documents/a.txt", "dir/a.txt"}});
  CaptureStdout();
  orchestrator::v1::AnswerEvent event;
  auto& answer = *event.mutable_answer();
  *answer.add_citations() = MakeCitation("collections/temporary/documents/a.txt", "");
  answer.mutable_citations(0)->mutable_source()->set_version(1);
  answer.add_coverage()->set_document("collections/temporary/documents/a.txt");
  printer.Handle(event);
  printer.Finish(/*with_statistics=*/false);
  const std::string json = GetCapturedStdout();
  EXPECT_THAT(json, HasSubstr("\"document\":\"dir/a.txt\""));
  EXPECT_EQ(json.find("temporary"), std::string::npos);
  EXPECT_THAT(json, HasSubstr("\"version\":\"0\""));
}

TEST(AnswerPrinterTest, StatisticsNameStrategyCallsAndTokens) {
  orchestrator::v1::Answer answer;
  answer.set_strategy(orchestrator::v1::STRATEGY_MAP_REDUCE);
  answer.mutable_usage()->set_model_calls(1);
  answer.mutable_usage()->set_prompt_tokens(812);
  answer.mutable_usage()->set_cached_tokens(64);
  EXPECT_THAT(FormatStatistics(answer),
              HasSubstr("strategy map-reduce, 1 model call, 812 prompt tokens (64 cached)"));
}

}  // namespace
}  // namespace quire::services::cli
