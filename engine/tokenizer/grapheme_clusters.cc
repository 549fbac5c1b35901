#include "engine/tokenizer/grapheme_clusters.h"

#include <unicode/brkiter.h>
#include <unicode/locid.h>
#include <unicode/utext.h>

#include <memory>

#include "base/utf8.h"

namespace quire::engine {
namespace {

using Visit = std::function<void(std::size_t begin, std::size_t end)>;

// The one cluster of two ASCII characters.
constexpr std::string_view kGraphemeLineBreak = "\r\n";

bool IsAscii(char c) { return static_cast<unsigned char>(c) < 128; }

// A break iterator for one use: it holds a position. Null if ICU lacks its rules.
std::unique_ptr<icu::BreakIterator> NewCharacterIterator() {
  static const icu::BreakIterator* const prototype = [] {
    UErrorCode error = U_ZERO_ERROR;
    return icu::BreakIterator::createCharacterInstance(icu::Locale::getRoot(), error);
  }();
  return std::unique_ptr<icu::BreakIterator>(prototype == nullptr ? nullptr : prototype->clone());
}

// The clusters of text[begin, end), found by ICU.
void VisitByRules(icu::BreakIterator& iterator, std::string_view text, std::size_t begin,
                  std::size_t end, const Visit& visit) {
  UErrorCode error = U_ZERO_ERROR;
  UText opened = UTEXT_INITIALIZER;
  UText* const stretch =
      utext_openUTF8(&opened, text.data() + begin, static_cast<std::int64_t>(end - begin), &error);
  iterator.setText(stretch, error);
  std::size_t done = begin;
  for (std::int32_t at = iterator.next(); at != icu::BreakIterator::DONE; at = iterator.next()) {
    const std::size_t next = begin + static_cast<std::size_t>(at);
    visit(done, next);
    done = next;
  }
  utext_close(stretch);
  if (done < end) visit(done, end);
}

// The end of the stretch of ASCII at `begin` in which ICU is not needed: the last character may
// have marks behind it, unless it is a control.
std::size_t PlainEnd(std::string_view text, std::size_t begin) {
  std::size_t end = begin;
  while (end < text.size() && IsAscii(text[end])) ++end;
  return end == text.size() || end == begin || text[end - 1] < ' ' ? end : end - 1;
}

// ASCII characters in a row that are worth leaving ICU for: coming back to it costs as much as some
// ten characters.
constexpr std::size_t kMinPlainBytes = 16;

// The end of a stretch that ICU has to look at: from `begin` to between two ASCII characters.
std::size_t MixedEnd(std::string_view text, std::size_t begin) {
  std::size_t plain = 0;
  for (std::size_t end = begin + 1; end < text.size(); ++end) {
    plain = IsAscii(text[end]) ? plain + 1 : 0;
    if (plain > kMinPlainBytes && text.substr(end - 1, 2) != kGraphemeLineBreak) return end;
  }
  return text.size();
}

}  // namespace

void ForEachGraphemeCluster(std::string_view text, const Visit& visit) {
  std::unique_ptr<icu::BreakIterator> iterator;
  for (std::size_t begin = 0; begin < text.size();) {
    const std::size_t plain_end = PlainEnd(text, begin);
    while (begin < plain_end) {
      const std::size_t length = text.substr(begin).starts_with(kGraphemeLineBreak) ? 2 : 1;
      visit(begin, begin + length);
      begin += length;
    }
    if (begin >= text.size()) break;
    if (iterator == nullptr) iterator = NewCharacterIterator();
    const std::size_t mixed_end = MixedEnd(text, begin);
    if (iterator == nullptr) {
      visit(begin, mixed_end);
    } else {
      VisitByRules(*iterator, text, begin, mixed_end, visit);
    }
    begin = mixed_end;
  }
}

}  // namespace quire::engine
