#include "retrieval/index/terms.h"

#include <unicode/bytestream.h>
#include <unicode/normalizer2.h>
#include <unicode/uchar.h>
#include <unicode/uscript.h>

#include <algorithm>
#include <string>

#include "base/check.h"
#include "base/utf8.h"

namespace quire::retrieval {
namespace {

constexpr std::size_t kMaxTermBytes = 64;

enum class CharacterClass { kSeparator, kWord, kUnspaced };

bool IsUnspacedScript(UChar32 c) {
  UErrorCode error = U_ZERO_ERROR;
  switch (uscript_getScript(c, &error)) {
    case USCRIPT_HAN:
    case USCRIPT_HIRAGANA:
    case USCRIPT_KATAKANA:
    case USCRIPT_THAI:
    case USCRIPT_LAO:
    case USCRIPT_KHMER:
    case USCRIPT_MYANMAR:
      return true;
    default:
      return false;
  }
}

CharacterClass Classify(char32_t c) {
  if (c < 0x80) {
    const bool word = (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z');
    return word ? CharacterClass::kWord : CharacterClass::kSeparator;
  }
  const auto code_point = static_cast<UChar32>(c);
  constexpr std::uint32_t kWordCategories = U_GC_L_MASK | U_GC_M_MASK | U_GC_N_MASK;
  if ((U_GET_GC_MASK(code_point) & kWordCategories) == 0) return CharacterClass::kSeparator;
  return IsUnspacedScript(code_point) ? CharacterClass::kUnspaced : CharacterClass::kWord;
}

bool IsAscii(std::string_view text) {
  return std::ranges::none_of(text, [](char c) { return static_cast<unsigned char>(c) >= 0x80; });
}

std::string Fold(std::string_view text) {
  std::string folded;
  if (IsAscii(text)) {
    folded = text;
    std::ranges::transform(folded, folded.begin(), [](char c) {
      return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
    });
    return folded;
  }
  UErrorCode error = U_ZERO_ERROR;
  const icu::Normalizer2* normalizer = icu::Normalizer2::getNFKCCasefoldInstance(error);
  QUIRE_CHECK(U_SUCCESS(error));
  icu::StringByteSink<std::string> sink(&folded, static_cast<std::int32_t>(text.size()));
  normalizer->normalizeUTF8(0,
                            icu::StringPiece(text.data(), static_cast<std::int32_t>(text.size())),
                            sink, nullptr, error);
  QUIRE_CHECK(U_SUCCESS(error));
  return folded;
}

// End of the run of characters of class `wanted` that starts at `start`.
std::size_t RunEnd(std::string_view text, std::size_t start, CharacterClass wanted) {
  std::size_t end = start;
  while (end < text.size()) {
    const DecodedChar next = DecodeUtf8(text, end);
    if (Classify(next.code_point) != wanted) break;
    end += static_cast<std::size_t>(next.length_bytes);
  }
  return end;
}

void EmitPairs(std::string_view run, const std::function<void(std::string_view)>& emit) {
  const auto length_at = [&](std::size_t i) {
    return static_cast<std::size_t>(DecodeUtf8(run, i).length_bytes);
  };
  std::size_t first = 0;
  std::size_t second = length_at(0);
  if (second == run.size()) return emit(run);
  while (second < run.size()) {
    const std::size_t end = second + length_at(second);
    emit(run.substr(first, end - first));
    first = second;
    second = end;
  }
}

}  // namespace

void ForEachTerm(std::string_view text, const std::function<void(std::string_view)>& emit) {
  const std::string folded = Fold(text);
  const std::string_view rest = folded;
  std::size_t position = 0;
  while (position < rest.size()) {
    const DecodedChar c = DecodeUtf8(rest, position);
    const CharacterClass character_class = Classify(c.code_point);
    if (character_class == CharacterClass::kSeparator) {
      position += static_cast<std::size_t>(c.length_bytes);
      continue;
    }
    const std::size_t end = RunEnd(rest, position, character_class);
    const std::string_view run = rest.substr(position, end - position);
    if (character_class == CharacterClass::kUnspaced) {
      EmitPairs(run, emit);
    } else {
      emit(run.substr(0, kMaxTermBytes));
    }
    position = end;
  }
}

}  // namespace quire::retrieval
