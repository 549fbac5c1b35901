#include "engine/tokenizer/unicode.h"

#include <unicode/uchar.h>
#include <unicode/uscript.h>

#include <map>

namespace quire::engine {
namespace {

bool HasCategory(char32_t c, std::uint32_t mask) {
  return (U_GET_GC_MASK(static_cast<UChar32>(c)) & mask) != 0;
}

// The version of Unicode that assigned `c`; 0 if none did.
int AgeOf(char32_t c) {
  UVersionInfo age;
  u_charAge(static_cast<UChar32>(c), age);
  return age[0];
}

// The classes that older tables say. Some characters changed their category since.
CharClasses OlderClasses(char32_t c, std::uint32_t category) {
  const int age = AgeOf(c);
  const bool in_unicode_8 = age > 0 && age <= 8;
  const bool in_unicode_9 = age > 0 && age <= 9;
  CharClasses classes = 0;
  if (in_unicode_9 && (category & U_GC_M_MASK) != 0) classes |= kAccent;
  if (in_unicode_8 && (category & U_GC_MN_MASK) != 0) classes |= kBertAccent;
  if (in_unicode_8 && (category & U_GC_P_MASK) != 0) classes |= kBertPunctuation;
  constexpr std::uint32_t kControls = U_GC_CC_MASK | U_GC_CF_MASK | U_GC_CO_MASK;
  if (in_unicode_8 && (category & kControls) != 0) classes |= kBertControl;
  switch (c) {
    case 0x111C9:
      return kBertPunctuation;
    case 0x166D:
      return classes | kBertPunctuation;
    case 0x1CF2:
    case 0x1CF3:
      return classes | kAccent;
    case 0x1734:
      return classes | kBertAccent;
    case 0x1885:
    case 0x1886:
    case 0xA9BD:
      return static_cast<CharClasses>(classes & ~kBertAccent);
    default:
      return classes;
  }
}

}  // namespace

CharClasses unicode_internal::AskIcu(char32_t c) {
  const std::uint32_t category = U_GET_GC_MASK(static_cast<UChar32>(c));
  CharClasses classes = 0;
  const auto add_if = [&](std::uint32_t categories, CharClasses more) {
    if ((category & categories) != 0) classes |= more;
  };
  add_if(U_GC_L_MASK, kLetter);
  add_if(U_GC_N_MASK, kNumber);
  add_if(U_GC_P_MASK, kPunctuation);
  add_if(U_GC_S_MASK, kSymbol);
  add_if(U_GC_M_MASK, kMark);
  add_if(U_GC_LU_MASK | U_GC_LT_MASK | U_GC_LM_MASK | U_GC_LO_MASK | U_GC_M_MASK, kUpperWord);
  add_if(U_GC_LL_MASK | U_GC_LM_MASK | U_GC_LO_MASK | U_GC_M_MASK, kLowerWord);
  if (u_isUWhiteSpace(static_cast<UChar32>(c)) != 0) classes |= kWhitespace;
  if (u_tolower(static_cast<UChar32>(c)) != static_cast<UChar32>(c)) classes |= kHasLowerCase;
  return classes | OlderClasses(c, category);
}

unicode_internal::ClassTable::ClassTable() {
  std::map<std::array<CharClasses, kBlock>, std::uint16_t> known;
  for (char32_t block = 0; block < block_of_.size(); ++block) {
    std::array<CharClasses, kBlock> classes;
    for (char32_t i = 0; i < kBlock; ++i) classes[i] = AskIcu(block * kBlock + i);
    const auto [found, is_new] = known.emplace(classes, static_cast<std::uint16_t>(known.size()));
    if (is_new) blocks_.insert(blocks_.end(), classes.begin(), classes.end());
    block_of_[block] = found->second;
  }
}

bool IsWordCharacter(char32_t c) {
  if (c < 128) return (Classify(c) & (kLetter | kNumber)) != 0 || c == '_';
  return HasCategory(c, U_GC_M_MASK | U_GC_ND_MASK | U_GC_PC_MASK) ||
         u_hasBinaryProperty(static_cast<UChar32>(c), UCHAR_ALPHABETIC) != 0 ||
         u_hasBinaryProperty(static_cast<UChar32>(c), UCHAR_JOIN_CONTROL) != 0;
}

int ScriptOf(char32_t c) {
  constexpr int kVersionOfTables = 9;
  if (AgeOf(c) > kVersionOfTables) return kNoScript;
  UErrorCode error = U_ZERO_ERROR;
  const UScriptCode script = uscript_getScript(static_cast<UChar32>(c), &error);
  return U_FAILURE(error) || script == USCRIPT_UNKNOWN ? kNoScript : script;
}

bool IsCjkIdeograph(char32_t c) {
  if (c < 0x3400) return false;
  const auto in = [c](char32_t first, char32_t last) { return c >= first && c <= last; };
  return in(0x4E00, 0x9FFF) || in(0x3400, 0x4DBF) || in(0x20000, 0x2A6DF) || in(0x2A700, 0x2B73F) ||
         in(0x2B740, 0x2B81F) || in(0x2B920, 0x2CEAF) || in(0xF900, 0xFAFF) || in(0x2F800, 0x2FA1F);
}

}  // namespace quire::engine
