#include "engine/tokenizer/unicode.h"

#include <unicode/uchar.h>

namespace quire::engine {
namespace {

bool HasCategory(char32_t c, std::uint32_t mask) {
  return (U_GET_GC_MASK(static_cast<UChar32>(c)) & mask) != 0;
}

}  // namespace

std::uint8_t unicode_internal::ClassifyBeyondAscii(char32_t c) {
  const std::uint32_t category = U_GET_GC_MASK(static_cast<UChar32>(c));
  if ((category & U_GC_L_MASK) != 0) return kLetter;
  if ((category & U_GC_N_MASK) != 0) return kNumber;
  if ((category & U_GC_P_MASK) != 0) return kPunctuation;
  return u_isUWhiteSpace(static_cast<UChar32>(c)) != 0 ? kWhitespace : 0;
}

bool IsBertPunctuation(char32_t c) {
  if (c >= 128) return (Classify(c) & kPunctuation) != 0;
  return c > ' ' && c < 127 && (Classify(c) & (kLetter | kNumber)) == 0;
}

bool IsWordCharacter(char32_t c) {
  if (c < 128) return (Classify(c) & (kLetter | kNumber)) != 0 || c == '_';
  return HasCategory(c, U_GC_M_MASK | U_GC_ND_MASK | U_GC_PC_MASK) ||
         u_hasBinaryProperty(static_cast<UChar32>(c), UCHAR_ALPHABETIC) != 0 ||
         u_hasBinaryProperty(static_cast<UChar32>(c), UCHAR_JOIN_CONTROL) != 0;
}

bool IsMark(char32_t c) { return HasCategory(c, U_GC_M_MASK); }
bool IsNonspacingMark(char32_t c) { return HasCategory(c, U_GC_MN_MASK); }
bool IsControl(char32_t c) { return HasCategory(c, U_GC_CC_MASK | U_GC_CF_MASK | U_GC_CO_MASK); }

bool IsCjkIdeograph(char32_t c) {
  const auto in = [c](char32_t first, char32_t last) { return c >= first && c <= last; };
  return in(0x4E00, 0x9FFF) || in(0x3400, 0x4DBF) || in(0x20000, 0x2A6DF) || in(0x2A700, 0x2B73F) ||
         in(0x2B740, 0x2B81F) || in(0x2B920, 0x2CEAF) || in(0xF900, 0xFAFF) || in(0x2F800, 0x2FA1F);
}

}  // namespace quire::engine
