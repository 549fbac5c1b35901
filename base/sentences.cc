#include "base/sentences.h"

#include <unicode/brkiter.h>
#include <unicode/utext.h>

#include <algorithm>
#include <memory>
#include <string>

#include "base/ascii.h"
#include "base/check.h"
#include "base/markdown_blocks.h"

namespace quire {
namespace {

// Words before a full stop that hardly ever end a sentence.
constexpr std::string_view kAbbreviations[] = {
    "approx", "capt", "cf",  "col", "d.h", "dr",  "e.g", "gen",  "gov", "hon",
    "i.e",    "lt",   "mme", "mr",  "mrs", "ms",  "mt",  "prof", "rep", "rev",
    "sen",    "sgt",  "sr",  "st",  "u.a", "viz", "vs",  "z.b",  "z.t"};
static_assert(std::ranges::is_sorted(kAbbreviations));
// Those that go on only before a number ("No. 5").
constexpr std::string_view kBeforeNumber[] = {
    "apr", "art",  "aug",  "ca",  "ch",  "chap", "dec", "eq",   "eqs", "feb",
    "fig", "figs", "jan",  "jul", "jun", "mar",  "no",  "nos",  "nov", "nr",
    "oct", "p",    "para", "pp",  "sec", "sect", "sep", "sept", "tab", "vol"};
static_assert(std::ranges::is_sorted(kBeforeNumber));

bool IsSpace(char c) { return c == ' ' || (c >= '\t' && c <= '\r'); }
bool IsUpper(char c) { return c >= 'A' && c <= 'Z'; }
char ToLower(char c) { return IsUpper(c) ? static_cast<char>(c - 'A' + 'a') : c; }
// Bytes above ASCII count as letters: exact enough to tell words from numbering.
bool IsLetter(char c) { return IsAsciiLetter(c) || static_cast<unsigned char>(c) >= 0x80; }

// "J" in "J. R. R. Tolkien", "U.S" in "U.S. Army". Not "I": "So did I. Then ..."
bool IsInitials(std::string_view word) {
  if (word.empty() || word == "I" || word.size() % 2 == 0) return false;
  for (std::size_t i = 0; i < word.size(); ++i) {
    if (i % 2 == 0 ? !IsUpper(word[i]) : word[i] != '.') return false;
  }
  return true;
}

// Whether the full stop that ends `before` belongs to an abbreviation, with `after` following.
bool EndsInAbbreviation(std::string_view before, std::string_view after) {
  while (!before.empty() && IsSpace(before.back())) before.remove_suffix(1);
  if (!before.ends_with('.')) return false;
  before.remove_suffix(1);
  constexpr std::size_t kLongest = 8;
  std::size_t length = 0;
  while (length < before.size() && length <= kLongest) {
    const char c = before[before.size() - 1 - length];
    if (!IsLetter(c) && c != '.') break;
    ++length;
  }
  if (length > kLongest) return false;
  const std::string_view word = before.substr(before.size() - length);
  std::string lower(word);
  std::transform(lower.begin(), lower.end(), lower.begin(), ToLower);
  if (IsInitials(word) || std::ranges::binary_search(kAbbreviations, lower)) {
    return true;
  }
  const auto next = std::find_if_not(after.begin(), after.end(), IsSpace);
  return next != after.end() && IsAsciiDigit(*next) &&
         std::ranges::binary_search(kBeforeNumber, lower);
}

// A sentence iterator per thread: ICU's are not thread-safe, and making one costs more than a
// paragraph takes.
icu::BreakIterator& SentenceIterator() {
  thread_local const std::unique_ptr<icu::BreakIterator> iterator = [] {
    UErrorCode error = U_ZERO_ERROR;
    std::unique_ptr<icu::BreakIterator> created(
        icu::BreakIterator::createSentenceInstance(icu::Locale::getRoot(), error));
    QUIRE_CHECK(U_SUCCESS(error));
    return created;
  }();
  return *iterator;
}

// Without any of these a text is one sentence, and ICU need not be asked.
bool MayHoldSeveralSentences(std::string_view text) {
  return std::any_of(text.begin(), text.end(), [](char c) {
    return c == '.' || c == '?' || c == '!' || static_cast<unsigned char>(c) >= 0x80;
  });
}

// Appends the ends of the sentences of one paragraph, `offset` bytes into the text.
void AppendParagraphEnds(std::string_view paragraph, std::size_t offset,
                         std::vector<std::size_t>& ends) {
  if (!MayHoldSeveralSentences(paragraph)) {
    ends.push_back(offset + paragraph.size());
    return;
  }
  // ICU ends a sentence at each line break; in a paragraph a line break is a space.
  std::string flat(paragraph);
  std::replace_if(
      flat.begin(), flat.end(), [](char c) { return c == '\n' || c == '\r'; }, ' ');
  UErrorCode error = U_ZERO_ERROR;
  UText utext = UTEXT_INITIALIZER;
  utext_openUTF8(&utext, flat.data(), static_cast<std::int64_t>(flat.size()), &error);
  icu::BreakIterator& iterator = SentenceIterator();
  iterator.setText(&utext, error);
  QUIRE_CHECK(U_SUCCESS(error));
  std::size_t start = 0;
  bool has_letter = false;  // numbering alone ("1. ", "§ 5.") is no sentence
  for (std::int32_t boundary = iterator.next(); boundary != icu::BreakIterator::DONE;
       boundary = iterator.next()) {
    const auto end = static_cast<std::size_t>(boundary);
    const std::string_view piece = std::string_view(flat).substr(start, end - start);
    has_letter = has_letter || std::any_of(piece.begin(), piece.end(), IsLetter);
    start = end;
    const std::string_view after = std::string_view(flat).substr(end);
    if (after.empty() || (has_letter && !EndsInAbbreviation(piece, after))) {
      ends.push_back(offset + end);
      has_letter = false;
    }
  }
  utext_close(&utext);
}

}  // namespace

std::vector<std::size_t> SentenceEnds(std::string_view text) {
  std::vector<std::size_t> ends;
  MarkdownBlockScanner scanner(text);
  while (const auto block = scanner.Next()) {
    if (block->kind == MarkdownBlock::Kind::kParagraph ||
        block->kind == MarkdownBlock::Kind::kListItem) {
      AppendParagraphEnds(text.substr(block->start, block->end - block->start), block->start, ends);
    } else {
      ends.push_back(block->end);
    }
  }
  return ends;
}

}  // namespace quire
