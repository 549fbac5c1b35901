#include "engine/tokenizer/split_scanners.h"

#include <algorithm>
#include <array>

#include "engine/tokenizer/scan_cursor.h"
#include "engine/tokenizer/set_scanner.h"

namespace quire::engine {
namespace {

// --- Parts that the expressions share --------------------------------------------------------

// `\s+(?!\S)|\s+`: a run of whitespace leaves its last character to the word that follows.
std::size_t SkipWhitespace(const ScanCursor& cursor, std::size_t begin) {
  std::size_t last = begin;
  std::size_t end = begin;
  for (Character c = cursor.At(end); c.Is(kWhitespace); c = cursor.At(end)) {
    last = end;
    end += c.length;
  }
  return end == cursor.size() || last == begin ? end : last;
}

// `\s*[\r\n]+`: up to the last line break of the run of whitespace, or `begin` if it has none.
std::size_t SkipLineBreaks(const ScanCursor& cursor, std::size_t begin) {
  std::size_t end = begin;
  std::size_t at = begin;
  for (Character c = cursor.At(at); c.Is(kWhitespace); c = cursor.At(at)) {
    at += c.length;
    if (c.Is(kLineBreak)) end = at;
  }
  return end;
}

// `\s*[\r\n]+|\s+(?!\S)|\s+`
std::size_t SkipLinesOrWhitespace(const ScanCursor& cursor, std::size_t begin) {
  const std::size_t end = SkipLineBreaks(cursor, begin);
  return end > begin ? end : SkipWhitespace(cursor, begin);
}

// Folds a letter of an English contraction: ASCII, and the long s, whose lower case is s.
char32_t FoldCase(char32_t c) {
  constexpr char32_t kLongS = 0x17F;
  if (c == kLongS) return 's';
  return c >= 'A' && c <= 'Z' ? c - 'A' + 'a' : c;
}

// `'s|'t|'re|'ve|'m|'ll|'d`: its end, or `begin` if there is none.
std::size_t SkipContraction(const ScanCursor& cursor, std::size_t begin, bool ignore_case) {
  if (cursor.At(begin).code_point != '\'') return begin;
  const auto letter = [&](const Character& c) {
    return ignore_case ? FoldCase(c.code_point) : c.code_point;
  };
  const Character first = cursor.At(begin + 1);
  const char32_t a = letter(first);
  const std::size_t after_first = begin + 1 + first.length;
  if (a == 's' || a == 't' || a == 'm' || a == 'd') return after_first;
  if (a != 'r' && a != 'v' && a != 'l') return begin;
  const Character second = cursor.At(after_first);
  const char32_t wanted = a == 'l' ? 'l' : 'e';
  return letter(second) == wanted ? after_first + second.length : begin;
}

// --- One word of each family: the end of the match at `begin`, or `begin` if there is none -----

std::size_t Gpt2WordEnd(const ScanCursor& cursor, std::size_t begin) {
  const std::size_t contraction = SkipContraction(cursor, begin, /*ignore_case=*/false);
  if (contraction > begin) return contraction;
  Character c = cursor.At(begin);
  std::size_t word = begin;
  if (c.code_point == ' ') {
    const Character next = cursor.At(begin + 1);
    if (next.length > 0 && !next.Is(kWhitespace)) {
      word = begin + 1;
      c = next;
    }
  }
  if (c.Is(kLetter)) return cursor.SkipRun(word, kLetter);
  if (c.Is(kNumber)) return cursor.SkipRun(word, kNumber);
  if (c.Is(kWhitespace)) return SkipWhitespace(cursor, begin);
  return cursor.SkipOthers(word, kLetter | kNumber | kWhitespace);
}

// ` ?[^\s\p{L}\p{N}]+` and `tail*`, where `excluded` is what the brackets exclude.
std::size_t SkipSymbols(const ScanCursor& cursor, std::size_t begin, CharClasses excluded,
                        bool slash_in_tail) {
  const std::size_t first = cursor.At(begin).code_point == ' ' ? begin + 1 : begin;
  std::size_t end = cursor.SkipOthers(first, excluded);
  if (end == first) return begin;
  for (Character c = cursor.At(end); c.Is(kLineBreak) || (slash_in_tail && c.code_point == '/');
       c = cursor.At(end)) {
    end += c.length;
  }
  return end;
}

// Llama 3, Qwen 2 and Qwen 3.5: words are runs of `letters` with at most one other character before
// them.
struct Llama3Family {
  CharClasses letters = kLetter;
  std::size_t max_digits = 3;

  std::size_t WordEnd(const ScanCursor& cursor, std::size_t begin) const {
    const std::size_t contraction = SkipContraction(cursor, begin, /*ignore_case=*/true);
    if (contraction > begin) return contraction;
    const Character c = cursor.At(begin);
    if (c.Is(letters)) return cursor.SkipRun(begin, letters);
    if (c.Is(kNumber)) return cursor.SkipRun(begin, kNumber, max_digits);
    const std::size_t next = begin + c.length;
    if (!c.Is(kLineBreak) && cursor.At(next).Is(letters)) return cursor.SkipRun(next, letters);
    const std::size_t end =
        SkipSymbols(cursor, begin, kWhitespace | kNumber | letters, /*slash_in_tail=*/false);
    return end > begin ? end : SkipLinesOrWhitespace(cursor, begin);
  }
};

// GPT-4o and Tekken: words by case, "camelCase" being two.
struct CasedFamily {
  bool contractions = true;  // belong to the word before them
  std::size_t max_digits = 3;

  std::size_t WordEnd(const ScanCursor& cursor, std::size_t begin) const {
    const Character c = cursor.At(begin);
    for (const auto part : {&CasedFamily::LowerEnd, &CasedFamily::UpperEnd}) {
      const std::size_t next = begin + c.length;
      const bool may_lead = !c.Is(kLineBreak | kLetter | kNumber);
      std::size_t end = may_lead ? part(cursor, next) : next;
      if (end == next) {
        end = part(cursor, begin);
        if (end == begin) continue;
      }
      return contractions ? SkipContraction(cursor, end, /*ignore_case=*/true) : end;
    }
    if (c.Is(kNumber)) return cursor.SkipRun(begin, kNumber, max_digits);
    const std::size_t end =
        SkipSymbols(cursor, begin, kWhitespace | kNumber | kLetter, /*slash_in_tail=*/true);
    return end > begin ? end : SkipLinesOrWhitespace(cursor, begin);
  }

 private:
  // `U*L+`, in which U and L have characters in common.
  static std::size_t LowerEnd(const ScanCursor& cursor, std::size_t begin) {
    std::size_t at = begin;
    std::size_t last_lower_end = begin;  // of the characters that U takes, the last that L does too
    for (Character c = cursor.At(at); c.Is(kUpperWord); c = cursor.At(at)) {
      at += c.length;
      if (c.Is(kLowerWord)) last_lower_end = at;
    }
    const std::size_t end = cursor.SkipRun(at, kLowerWord);
    return end > at ? end : last_lower_end;
  }
  // `U+L*`
  static std::size_t UpperEnd(const ScanCursor& cursor, std::size_t begin) {
    const std::size_t upper = cursor.SkipRun(begin, kUpperWord);
    return upper > begin ? cursor.SkipRun(upper, kLowerWord) : begin;
  }
};

// DeepSeek V3's third expression. It matches no number by itself.
struct DeepSeekFamily {
  std::size_t WordEnd(const ScanCursor& cursor, std::size_t begin) const {
    const Character c = cursor.At(begin);
    const bool is_ascii_mark = c.code_point < 128 && c.Is(kPunctuation | kSymbol);
    if (is_ascii_mark && IsAsciiLetter(cursor.At(begin + 1))) {
      std::size_t end = begin + 1;
      while (IsAsciiLetter(cursor.At(end))) ++end;
      return end;
    }
    constexpr CharClasses kLettersAndMarks = kLetter | kMark;
    const std::size_t next = begin + c.length;
    if (!c.Is(kLineBreak | kLetter | kPunctuation | kSymbol) &&
        cursor.At(next).Is(kLettersAndMarks)) {
      return cursor.SkipRun(next, kLettersAndMarks);
    }
    if (c.Is(kLettersAndMarks)) return cursor.SkipRun(begin, kLettersAndMarks);
    const std::size_t first = c.code_point == ' ' ? begin + 1 : begin;
    const std::size_t end = cursor.SkipRun(first, kPunctuation | kSymbol);
    if (end > first) return cursor.SkipRun(end, kLineBreak);
    return SkipLinesOrWhitespace(cursor, begin);
  }

 private:
  static bool IsAsciiLetter(const Character& c) { return c.code_point < 128 && c.Is(kLetter); }
};

struct Gpt2Family {
  std::size_t WordEnd(const ScanCursor& cursor, std::size_t begin) const {
    return Gpt2WordEnd(cursor, begin);
  }
};

// A run of one class, and maybe one whitespace before it.
struct ClassRun {
  CharClasses classes = kLetter;
  std::size_t max_length = std::numeric_limits<std::size_t>::max();
  bool takes_space = false;

  std::size_t WordEnd(const ScanCursor& cursor, std::size_t begin) const {
    const Character c = cursor.At(begin);
    const std::size_t first = takes_space && c.Is(kWhitespace) ? begin + c.length : begin;
    const std::size_t end = cursor.SkipRun(first, classes, max_length);
    return end > first ? end : begin;
  }
};

template <typename Family>
class Scanner final : public SplitPattern {
 public:
  explicit Scanner(Family family) : family_(family) {}

  void ForEachMatch(std::string_view text, MatchVisitor visit) const override {
    const ScanCursor cursor(text);
    for (std::size_t begin = 0; begin < text.size();) {
      const std::size_t end = family_.WordEnd(cursor, begin);
      if (end > begin) visit({begin, end});
      begin = end > begin ? end : begin + cursor.At(begin).length;
    }
  }

 private:
  const Family family_;
};

template <typename Family>
std::unique_ptr<SplitPattern> NewScanner(Family family) {
  return std::make_unique<Scanner<Family>>(family);
}

// --- The expressions, by their exact text ------------------------------------------------------

struct Known {
  std::string_view regex;
  std::unique_ptr<SplitPattern> (*make)();
};

constexpr std::array kKnown = {
    Known{R"('s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+)",
          [] { return NewScanner(Gpt2Family{}); }},
    Known{R"((?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3})"
          R"(| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+)",
          [] { return NewScanner(Llama3Family{}); }},
    Known{R"((?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N})"
          R"(| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+)",
          [] { return NewScanner(Llama3Family{.max_digits = 1}); }},
    Known{R"((?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?[\p{L}\p{M}]+|\p{N})"
          R"(| ?[^\s\p{L}\p{M}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+)",
          [] { return NewScanner(Llama3Family{.letters = kLetter | kMark, .max_digits = 1}); }},
    Known{R"([^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]*[\p{Ll}\p{Lm}\p{Lo}\p{M}]+)"
          R"((?i:'s|'t|'re|'ve|'m|'ll|'d)?)"
          R"(|[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]+[\p{Ll}\p{Lm}\p{Lo}\p{M}]*)"
          R"((?i:'s|'t|'re|'ve|'m|'ll|'d)?|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n/]*)"
          R"(|\s*[\r\n]+|\s+(?!\S)|\s+)",
          [] { return NewScanner(CasedFamily{}); }},
    Known{R"([^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]*[\p{Ll}\p{Lm}\p{Lo}\p{M}]+)"
          R"(|[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]+[\p{Ll}\p{Lm}\p{Lo}\p{M}]*)"
          R"(|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n/]*|\s*[\r\n]+|\s+(?!\S)|\s+)",
          [] { return NewScanner(CasedFamily{.contractions = false, .max_digits = 1}); }},
    Known{R"([!"#$%&'()*+,\-./:;<=>?@\[\\\]^_`{|}~][A-Za-z]+)"
          R"(|[^\r\n\p{L}\p{P}\p{S}]?[\p{L}\p{M}]+)"
          R"(| ?[\p{P}\p{S}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+)",
          [] { return NewScanner(DeepSeekFamily{}); }},
    Known{R"(\p{N})", [] { return NewScanner(ClassRun{.classes = kNumber, .max_length = 1}); }},
    Known{R"(\p{N}{1,3})",
          [] { return NewScanner(ClassRun{.classes = kNumber, .max_length = 3}); }},
    Known{R"(\p{N}+)", [] { return NewScanner(ClassRun{.classes = kNumber}); }},
    Known{R"(\s?\p{L}+)", [] { return NewScanner(ClassRun{.takes_space = true}); }},
    Known{R"(\s?\p{P}+)",
          [] { return NewScanner(ClassRun{.classes = kPunctuation, .takes_space = true}); }},
};

}  // namespace

std::unique_ptr<SplitPattern> NewGpt2Scanner() { return NewScanner(Gpt2Family{}); }

std::unique_ptr<SplitPattern> FindSplitScanner(std::string_view regex) {
  // Some files have the line breaks themselves where others have their escapes.
  std::string escaped;
  for (const char c : regex) {
    if (c == '\r' || c == '\n') {
      escaped += c == '\r' ? "\\r" : "\\n";
    } else {
      escaped += c;
    }
  }
  const auto found = std::find_if(kKnown.begin(), kKnown.end(),
                                  [&](const Known& known) { return known.regex == escaped; });
  return found == kKnown.end() ? NewSetScanner(escaped) : found->make();
}

std::vector<std::string_view> ScannedRegexes() {
  std::vector<std::string_view> regexes;
  for (const Known& known : kKnown) regexes.push_back(known.regex);
  return regexes;
}

}  // namespace quire::engine
