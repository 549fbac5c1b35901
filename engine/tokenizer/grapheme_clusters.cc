#include "engine/tokenizer/grapheme_clusters.h"

#include <unicode/brkiter.h>
#include <unicode/locid.h>
#include <unicode/uchar.h>
#include <unicode/utext.h>

#include <memory>

#include "base/utf8.h"
#include "engine/tokenizer/character_set.h"

namespace quire::engine {
namespace {

using Visit = std::function<void(std::size_t begin, std::size_t end)>;

// The one cluster of two ASCII characters.
constexpr std::string_view kGraphemeLineBreak = "\r\n";

// Characters that break off from each other: ASCII, but for the line break above, and whatever has
// no part in a rule of UAX #29. Only what stands between two of them needs no rules: others may
// stay with the one before.
const CharacterSet& PlainCharacters() {
  static const auto* const plain = new CharacterSet(CharacterSet::OfBasicPlane([](char32_t c) {
    const auto code_point = static_cast<UChar32>(c);
    return c < 128 ||
           (u_getIntPropertyValue(code_point, UCHAR_GRAPHEME_CLUSTER_BREAK) == U_GCB_OTHER &&
            !u_hasBinaryProperty(code_point, UCHAR_EXTENDED_PICTOGRAPHIC));
  }));
  return *plain;
}

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

// Whether `at` is inside a line break.
bool InLineBreak(std::string_view text, std::size_t at) {
  return text[at] == '\n' && text.substr(at - 1, 2) == kGraphemeLineBreak;
}

// Calls `visit` for the clusters of the plain characters at `begin`, as far as no rules are needed:
// the last one may have marks behind it, unless it is a control. Returns where they end.
std::size_t VisitPlain(std::string_view text, std::size_t begin, const Visit& visit) {
  const CharacterSet& plain = PlainCharacters();
  std::size_t done = begin;
  for (std::size_t at = begin; at < text.size();) {
    const DecodedChar c = DecodeUtf8(text, at);
    const bool is_plain = plain.Contains(c.code_point);
    if (at > done && !InLineBreak(text, at)) {
      const bool is_control = static_cast<unsigned char>(text[done]) < ' ';
      if (!is_plain && !is_control) return done;
      visit(done, at);
      done = at;
    }
    if (!is_plain) return done;
    at += static_cast<std::size_t>(c.length_bytes);
  }
  if (done < text.size()) visit(done, text.size());
  return text.size();
}

// Plain characters in a row that are worth leaving ICU for: coming back to it costs as much as some
// ten characters.
constexpr std::size_t kMinPlain = 16;

// The end of a stretch that ICU has to look at: from `begin` to between two plain characters.
std::size_t MixedEnd(std::string_view text, std::size_t begin) {
  const CharacterSet& plain = PlainCharacters();
  std::size_t num_plain = 0;
  for (std::size_t at = begin, end = begin; at < text.size(); at = end) {
    const DecodedChar c = DecodeUtf8(text, at);
    end = at + static_cast<std::size_t>(c.length_bytes);
    num_plain = plain.Contains(c.code_point) ? num_plain + 1 : 0;
    if (num_plain > kMinPlain && !InLineBreak(text, at)) return at;
  }
  return text.size();
}

}  // namespace

void ForEachGraphemeCluster(std::string_view text, const Visit& visit) {
  std::unique_ptr<icu::BreakIterator> iterator;
  for (std::size_t begin = 0; begin < text.size();) {
    begin = VisitPlain(text, begin, visit);
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
