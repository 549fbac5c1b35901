#include "engine/tokenizer/jinja/characters.h"

#include <unicode/bytestream.h>
#include <unicode/casemap.h>
#include <unicode/uchar.h>

#include <algorithm>

#include "base/utf8.h"

namespace quire::engine::jinja {
namespace {

char32_t CharacterAt(std::string_view text, std::size_t at) {
  return DecodeUtf8(text, at).code_point;
}

std::string MapCaseOfBytes(std::string_view bytes, Casing casing) {
  std::string mapped;
  icu::StringByteSink<std::string> sink(&mapped);
  UErrorCode error = U_ZERO_ERROR;
  const icu::StringPiece source(bytes.data(), static_cast<std::int32_t>(bytes.size()));
  switch (casing) {
    case Casing::kLower:
      icu::CaseMap::utf8ToLower("", 0, source, sink, nullptr, error);
      break;
    case Casing::kUpper:
      icu::CaseMap::utf8ToUpper("", 0, source, sink, nullptr, error);
      break;
    case Casing::kTitle:
      icu::CaseMap::utf8ToTitle("", U_TITLECASE_WHOLE_STRING | U_TITLECASE_NO_BREAK_ADJUSTMENT,
                                nullptr, source, sink, nullptr, error);
      break;
  }
  return U_FAILURE(error) ? std::string(bytes) : mapped;
}

// Appends [begin, end) of `text` with its first character in title case, the rest in lower case.
void AppendCapitalized(const Text& text, std::size_t begin, std::size_t end, Text& out) {
  if (begin == end) return;
  const std::size_t rest = NextCharacter(text.view(), begin);
  out.Append(MapCase(text.Slice(begin, rest), Casing::kTitle));
  out.Append(MapCase(text.Slice(rest, end), Casing::kLower));
}

bool IsCased(char32_t c) { return u_hasBinaryProperty(static_cast<UChar32>(c), UCHAR_CASED) != 0; }

}  // namespace

std::size_t NextCharacter(std::string_view text, std::size_t at) {
  return at + static_cast<std::size_t>(DecodeUtf8(text, at).length_bytes);
}

std::size_t OffsetOfCharacter(std::string_view text, std::size_t index) {
  std::size_t at = 0;
  for (; at < text.size() && index > 0; --index) at = NextCharacter(text, at);
  return at;
}

bool IsPythonSpace(char32_t c) {
  // Python counts the four information separators, which Unicode does not.
  return (c >= 0x1C && c <= 0x1F) || u_isUWhiteSpace(static_cast<UChar32>(c)) != 0;
}

Text Strip(const Text& text, Side side, const std::optional<std::string_view>& characters) {
  const std::string_view view = text.view();
  const auto drops = [&](std::size_t begin, std::size_t end) {
    if (!characters) return IsPythonSpace(CharacterAt(view, begin));
    return characters->find(view.substr(begin, end - begin)) != std::string_view::npos;
  };
  std::size_t begin = 0;
  std::size_t end = view.size();
  while (side != Side::kRight && begin < end) {
    const std::size_t next = NextCharacter(view, begin);
    if (!drops(begin, next)) break;
    begin = next;
  }
  while (side != Side::kLeft && begin < end) {
    const std::size_t last = PreviousUtf8Offset(view, end);
    if (!drops(last, end)) break;
    end = last;
  }
  return text.Slice(begin, end);
}

Text MapCase(const Text& text, Casing casing) {
  Text mapped;
  std::size_t begin = 0;
  for (const Text::Run& run : text.runs()) {
    mapped.Append(MapCaseOfBytes(text.view().substr(begin, run.end - begin), casing), run.origin);
    begin = run.end;
  }
  return mapped;
}

Text Capitalize(const Text& text) {
  Text capitalized;
  AppendCapitalized(text, 0, text.size(), capitalized);
  return capitalized;
}

Text TitleCase(const Text& text) {
  Text titled;
  std::size_t done = 0;
  std::size_t at = 0;
  const auto is_cased = [&] { return IsCased(CharacterAt(text.view(), at)); };
  while (at < text.size()) {
    while (at < text.size() && !is_cased()) at = NextCharacter(text.view(), at);
    titled.AppendSlice(text, done, at);
    const std::size_t word = at;
    while (at < text.size() && is_cased()) at = NextCharacter(text.view(), at);
    AppendCapitalized(text, word, at, titled);
    done = at;
  }
  return titled;
}

std::vector<Text> Split(const Text& text, std::string_view separator, std::int64_t max_splits) {
  std::vector<Text> parts;
  std::size_t begin = 0;
  for (std::size_t at = text.view().find(separator);
       at != std::string_view::npos && max_splits != 0; at = text.view().find(separator, begin)) {
    parts.push_back(text.Slice(begin, at));
    begin = at + separator.size();
    --max_splits;
  }
  parts.push_back(text.Slice(begin, text.size()));
  return parts;
}

std::vector<Text> SplitRight(const Text& text, std::string_view separator,
                             std::int64_t max_splits) {
  std::vector<Text> parts;
  std::size_t end = text.size();
  while (max_splits != 0 && end >= separator.size()) {
    const std::size_t at = text.view().rfind(separator, end - separator.size());
    if (at == std::string_view::npos) break;
    parts.push_back(text.Slice(at + separator.size(), end));
    end = at;
    --max_splits;
  }
  parts.push_back(text.Slice(0, end));
  std::reverse(parts.begin(), parts.end());
  return parts;
}

std::vector<Text> SplitWhitespace(const Text& text, std::int64_t max_splits) {
  const std::string_view view = text.view();
  const auto skip = [&](std::size_t at, bool space) {
    while (at < view.size() && IsPythonSpace(CharacterAt(view, at)) == space) {
      at = NextCharacter(view, at);
    }
    return at;
  };
  std::vector<Text> parts;
  std::size_t begin = skip(0, true);
  while (begin < view.size()) {
    if (max_splits == 0) {
      parts.push_back(Strip(text.Slice(begin, view.size()), Side::kRight, std::nullopt));
      break;
    }
    const std::size_t end = skip(begin, false);
    parts.push_back(text.Slice(begin, end));
    begin = skip(end, true);
    --max_splits;
  }
  return parts;
}

std::vector<Text> SplitLines(const Text& text, bool keep_ends) {
  const std::string_view view = text.view();
  const auto is_break = [](char32_t c) {
    return (c >= 0x0A && c <= 0x0D) || (c >= 0x1C && c <= 0x1E) || c == 0x85 || c == 0x2028 ||
           c == 0x2029;
  };
  std::vector<Text> lines;
  std::size_t begin = 0;
  for (std::size_t at = 0; at < view.size();) {
    const char32_t c = CharacterAt(view, at);
    std::size_t next = NextCharacter(view, at);
    if (is_break(c)) {
      if (c == '\r' && next < view.size() && view[next] == '\n') ++next;
      lines.push_back(text.Slice(begin, keep_ends ? next : at));
      begin = next;
    }
    at = next;
  }
  if (begin < view.size()) lines.push_back(text.Slice(begin, view.size()));
  return lines;
}

Text Replace(const Text& text, const Text& from, const Text& to, std::int64_t max_count) {
  Text result;
  std::size_t done = 0;
  std::size_t at = 0;
  while (max_count != 0) {
    at = text.view().find(from.view(), at);
    if (at == std::string_view::npos) break;
    result.AppendSlice(text, done, at);
    result.Append(to);
    done = at + from.size();
    --max_count;
    if (!from.empty()) {
      at = done;
    } else if (at == text.size()) {
      break;
    } else {
      at = NextCharacter(text.view(), at);
    }
  }
  result.AppendSlice(text, done, text.size());
  return result;
}

bool AllCharacters(std::string_view text, CharacterTest test) {
  bool any = false;
  for (std::size_t at = 0; at < text.size(); at = NextCharacter(text, at)) {
    const auto c = static_cast<UChar32>(CharacterAt(text, at));
    switch (test) {
      case CharacterTest::kSpace:
        if (!IsPythonSpace(static_cast<char32_t>(c))) return false;
        break;
      case CharacterTest::kAlpha:
        if (u_isalpha(c) == 0) return false;
        break;
      case CharacterTest::kDigit:
        if (u_getIntPropertyValue(c, UCHAR_NUMERIC_TYPE) != U_NT_DECIMAL &&
            u_getIntPropertyValue(c, UCHAR_NUMERIC_TYPE) != U_NT_DIGIT) {
          return false;
        }
        break;
      case CharacterTest::kAlnum:
        if (u_isalpha(c) == 0 && u_getIntPropertyValue(c, UCHAR_NUMERIC_TYPE) == U_NT_NONE) {
          return false;
        }
        break;
      case CharacterTest::kLower:
      case CharacterTest::kUpper:
        if (!IsCased(static_cast<char32_t>(c))) continue;
        if ((u_hasBinaryProperty(c, UCHAR_LOWERCASE) != 0) != (test == CharacterTest::kLower)) {
          return false;
        }
        break;
    }
    any = true;
  }
  return any;
}

}  // namespace quire::engine::jinja
