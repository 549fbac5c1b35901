#include "services/orchestrator/packing/text_units.h"

#include <algorithm>
#include <string_view>

#include "base/sentences.h"
#include "base/utf8.h"
#include "services/orchestrator/packing/ascii.h"

namespace quire::services {
namespace {

constexpr std::size_t kMaxWordBytes = 32;
constexpr std::size_t kPassageBytes = 800;

bool EndsParagraph(std::string_view text) {
  const std::size_t last = text.find_last_not_of(kAsciiSpaces);
  return std::ranges::count(text.substr(last + 1), '\n') > 1;
}

void AppendUnits(std::span<const SourceDocument> documents, std::size_t index,
                 std::vector<TextUnit>& units) {
  const std::string_view text = documents[index].text;
  const std::size_t first = units.size();
  std::size_t start = 0;
  for (const std::size_t end : SentenceEnds(text)) {
    if (!Content(text, {.document = index, .start = start, .end = end}).empty()) {
      units.push_back({.range = {.document = index, .start = start, .end = end}});
    } else if (units.size() > first) {
      units.back().range.end = end;
    } else {
      continue;  // belongs to the first sentence
    }
    start = end;
  }
  for (TextUnit& unit : std::span(units).subspan(first)) {
    unit.ends_paragraph = EndsParagraph(text.substr(unit.range.start, unit.range.size_bytes()));
  }
}

// Length of the piece at the front of `text`: whole words up to kMaxWordBytes, else whole
// characters.
std::size_t PieceBytes(std::string_view text) {
  if (text.size() <= kMaxWordBytes) return text.size();
  for (std::size_t end = kMaxWordBytes; end > 0; --end) {
    if (IsAsciiSpace(text[end - 1]) && !IsAsciiSpace(text[end])) return end;
  }
  return kMaxWordBytes - IncompleteUtf8Suffix(text.substr(0, kMaxWordBytes));
}

}  // namespace

std::vector<TextUnit> CutIntoUnits(std::span<const SourceDocument> documents) {
  std::vector<TextUnit> units;
  for (std::size_t i = 0; i < documents.size(); ++i) AppendUnits(documents, i, units);
  return units;
}

std::vector<std::size_t> PieceEnds(std::string_view text) {
  std::vector<std::size_t> ends;
  for (std::size_t end = 0; end < text.size();) {
    end += PieceBytes(text.substr(end));
    ends.push_back(end);
  }
  return ends;
}

std::vector<TextUnit> SplitIntoWords(std::span<const SourceDocument> documents,
                                     const TextUnit& unit) {
  const std::string_view text = documents[unit.range.document].text;
  std::vector<TextUnit> pieces;
  TextRange range = {.document = unit.range.document, .start = unit.range.start, .end = 0};
  for (const std::size_t end : PieceEnds(text.substr(range.start, unit.range.size_bytes()))) {
    range.end = unit.range.start + end;
    pieces.push_back({.range = range});
    range.start = range.end;
  }
  pieces.back().ends_paragraph = unit.ends_paragraph;
  return pieces;
}

std::vector<TextRange> JoinIntoPassages(std::span<const TextUnit> units) {
  std::vector<TextRange> passages;
  bool complete = true;
  for (const TextUnit& unit : units) {
    const bool joins = !complete && passages.back().document == unit.range.document &&
                       unit.range.end - passages.back().start <= kPassageBytes;
    if (joins) {
      passages.back().end = unit.range.end;
    } else {
      passages.push_back(unit.range);
    }
    complete = unit.ends_paragraph && passages.back().size_bytes() >= kPassageBytes / 2;
  }
  return passages;
}

}  // namespace quire::services
