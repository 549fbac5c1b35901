#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <vector>

// Character classes of The Unicode Standard as the pre-tokenizers use them, by ICU.

namespace quire::engine {

enum CharClass : std::uint16_t {
  kLetter = 1,        // \p{L}
  kNumber = 2,        // \p{N}
  kWhitespace = 4,    // White_Space
  kLineBreak = 8,     // \r or \n alone
  kPunctuation = 16,  // \p{P}
  kSymbol = 32,       // \p{S}
  kMark = 64,         // \p{M}
  kUpperWord = 128,   // [\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]
  kLowerWord = 256,   // [\p{Ll}\p{Lm}\p{Lo}\p{M}]
  // As the normalizers of `tokenizers` have them, whose tables are those of Unicode 8 and 9.
  kAccent = 512,            // marks that StripAccents drops
  kBertAccent = 1024,       // nonspacing marks
  kBertPunctuation = 2048,  // and all ASCII symbols besides
  kBertControl = 4096,      // control, format or private use
  kHasLowerCase = 8192,     // another character or more is its lower case
};
using CharClasses = std::uint16_t;  // bits of CharClass

namespace unicode_internal {

constexpr std::array<CharClasses, 128> AsciiClasses() {
  std::array<CharClasses, 128> classes{};
  for (int c = 0; c < 128; ++c) {
    if (c >= 'a' && c <= 'z') classes[c] |= kLetter | kLowerWord;
    if (c >= 'A' && c <= 'Z') classes[c] |= kLetter | kUpperWord | kHasLowerCase;
    if (c >= '0' && c <= '9') classes[c] |= kNumber;
    if (c == ' ' || (c >= '\t' && c <= '\r')) classes[c] |= kWhitespace;
    if (c == '\r' || c == '\n') classes[c] |= kLineBreak;
    if (c < ' ' || c == 127) classes[c] |= kBertControl;
    const bool is_word = (classes[c] & (kLetter | kNumber)) != 0;
    if (c > ' ' && c < 127 && !is_word) classes[c] |= kBertPunctuation;
  }
  for (const char c : {'!', '"', '#', '%', '&', '\'', '(',  ')', '*', ',', '-', '.',
                       '/', ':', ';', '?', '@', '[',  '\\', ']', '_', '{', '}'}) {
    classes[static_cast<unsigned char>(c)] |= kPunctuation;
  }
  for (const char c : {'$', '+', '<', '=', '>', '^', '`', '|', '~'}) {
    classes[static_cast<unsigned char>(c)] |= kSymbol;
  }
  return classes;
}
inline constexpr std::array<CharClasses, 128> kAsciiClasses = AsciiClasses();

// The classes of the planes that have letters, in blocks, most of which are the same as others:
// what a text needs stays in the fastest cache.
class ClassTable {
 public:
  static constexpr char32_t kSize = 0x40000;

  ClassTable();
  // Requires: c < kSize.
  CharClasses operator[](char32_t c) const {
    return blocks_[std::size_t{block_of_[c / kBlock]} * kBlock + c % kBlock];
  }
  // Filled at the first call.
  static const ClassTable& Get() {
    static const ClassTable* const table = new ClassTable();
    return *table;
  }

 private:
  static constexpr char32_t kBlock = 256;

  std::array<std::uint16_t, kSize / kBlock> block_of_;
  std::vector<CharClasses> blocks_;
};

CharClasses AskIcu(char32_t c);

}  // namespace unicode_internal

// The classes of `c`.
inline CharClasses Classify(char32_t c) {
  if (c < 128) return unicode_internal::kAsciiClasses[c];
  if (c >= unicode_internal::ClassTable::kSize) return unicode_internal::AskIcu(c);
  return unicode_internal::ClassTable::Get()[c];
}
inline bool IsWhitespace(char32_t c) { return (Classify(c) & kWhitespace) != 0; }

inline bool IsBertPunctuation(char32_t c) { return (Classify(c) & kBertPunctuation) != 0; }
// \w: alphabetic, mark, decimal digit, connector punctuation or join control.
bool IsWordCharacter(char32_t c);
inline bool IsMark(char32_t c) { return (Classify(c) & kMark) != 0; }
// A number for the script of `c` (UAX #24) in Unicode 9, which is the version `tokenizers` has;
// kNoScript if it has none.
int ScriptOf(char32_t c);
inline constexpr int kNoScript = -1;
// The blocks of CJK ideographs, as BERT lists them: no kana, no Hangul.
bool IsCjkIdeograph(char32_t c);

}  // namespace quire::engine
