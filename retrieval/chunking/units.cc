#include "retrieval/chunking/units.h"

#include <algorithm>
#include <limits>
#include <utility>

#include "base/sentences.h"
#include "base/utf8.h"
#include "retrieval/parsing/white_space.h"

namespace quire::retrieval {
namespace {

constexpr std::size_t kPiecesPerLimit = 8;

std::string_view TextOf(std::string_view text, const Unit& unit) {
  return text.substr(unit.start, unit.end - unit.start);
}

bool IsBlank(char c) { return c == ' ' || (c >= '\t' && c <= '\r'); }
bool StartsCharacter(char c) { return !IsUtf8Continuation(c); }

void AppendTrimmed(std::string_view text, std::size_t start, std::size_t end,
                   std::vector<Unit>& units) {
  const ByteRange range = TrimWhiteSpace(text, {start, end});
  if (range.empty()) return;
  units.push_back({.start = static_cast<std::uint32_t>(range.start),
                   .end = static_cast<std::uint32_t>(range.end),
                   .tokens = kNotCounted});
}

// Where to cut text[from, end) near `ideal`: after the last blank up to it, else after the first
// blank beyond it, else at `end`.
std::size_t WordCut(std::string_view text, std::size_t from, std::size_t ideal, std::size_t end) {
  for (std::size_t i = ideal; i > from; --i) {
    if (IsBlank(text[i - 1])) return i;
  }
  for (std::size_t i = ideal; i < end; ++i) {
    if (IsBlank(text[i])) return i + 1;
  }
  return end;
}

// The same for a single word: the start of the character at `ideal`, or of the next one if that is
// where the piece begins.
std::size_t CharacterCut(std::string_view text, std::size_t from, std::size_t ideal,
                         std::size_t end) {
  std::size_t cut = ideal;
  while (cut > from && !StartsCharacter(text[cut])) --cut;
  if (cut > from) return cut;
  ++cut;
  while (cut < end && !StartsCharacter(text[cut])) ++cut;
  return cut;
}

// Replaces a unit by `num_pieces` pieces of about the same length (fewer if words are long).
// Returns INVALID_ARGUMENT if there is nothing to cut.
Status Divide(std::string_view text, const Unit& unit, std::size_t num_pieces,
              std::vector<Unit>& units) {
  const std::string_view content = TextOf(text, unit);
  const bool one_word = std::ranges::none_of(content, IsBlank);
  const std::size_t first = units.size();
  const std::size_t length = content.size();
  std::size_t from = unit.start;
  for (std::size_t i = 1; i <= num_pieces && from < unit.end; ++i) {
    const std::size_t ideal = unit.start + length * i / num_pieces;
    if (ideal <= from) continue;
    std::size_t cut = unit.end;
    if (i < num_pieces) {
      cut = one_word ? CharacterCut(text, from, ideal, unit.end)
                     : WordCut(text, from, ideal, unit.end);
    }
    AppendTrimmed(text, from, cut, units);
    from = cut;
  }
  if (units.size() == first + 1 && units.back().start == unit.start &&
      units.back().end == unit.end) {
    return InvalidArgument(
        "chunk_tokens: wanted a limit that the character at byte {} fits, have {} tokens for it",
        unit.start, unit.tokens);
  }
  if (units.size() > first) units[first].heading = unit.heading;
  return OkStatus();
}

std::size_t NumPieces(const Unit& unit, const UnitLimits& limits) {
  const std::size_t bytes = unit.end - unit.start;
  const std::size_t by_bytes = (kPiecesPerLimit * bytes + limits.bytes - 1) / limits.bytes;
  if (unit.tokens == kNotCounted) return by_bytes;
  const auto tokens = static_cast<std::size_t>(unit.tokens);
  const auto limit = static_cast<std::size_t>(limits.tokens);
  // Never more pieces than bytes, at least two.
  const std::size_t pieces = std::max(by_bytes, (kPiecesPerLimit * tokens + limit - 1) / limit);
  return std::clamp<std::size_t>(pieces, 2, std::max<std::size_t>(bytes, 2));
}

std::vector<Unit> Sentences(const ParsedDocument& document) {
  std::vector<Unit> units;
  std::size_t start = 0;
  std::size_t heading = 0;
  for (const std::size_t end : SentenceEnds(document.text)) {
    const std::size_t before = units.size();
    AppendTrimmed(document.text, start, end, units);
    start = end;
    if (units.size() == before) continue;
    const auto& headings = document.headings;
    while (heading < headings.size() && headings[heading].start < units.back().start) ++heading;
    if (heading < headings.size() && headings[heading].start == units.back().start) {
      units.back().heading = static_cast<std::int32_t>(heading);
    }
  }
  return units;
}

}  // namespace

StatusOr<std::vector<Unit>> FindUnits(const ParsedDocument& document, const UnitLimits& limits,
                                      const TokenCounter& counter) {
  const std::string_view text = document.text;
  if (text.size() > std::numeric_limits<std::uint32_t>::max()) {
    return InvalidArgument("document: wanted less than 4 GiB of text, have {} bytes", text.size());
  }
  const auto too_long = [&](const Unit& unit) {
    return unit.end - unit.start > limits.bytes || unit.tokens > limits.tokens;
  };
  std::vector<Unit> units = Sentences(document);
  for (;;) {
    BatchedTokenCounter batches(counter);
    for (Unit& unit : units) {
      if (unit.tokens != kNotCounted || too_long(unit)) continue;
      QUIRE_RETURN_IF_ERROR(batches.Add(TextOf(text, unit), unit.tokens));
    }
    QUIRE_RETURN_IF_ERROR(batches.Flush());
    if (std::ranges::none_of(units, too_long)) return units;
    std::vector<Unit> divided;
    divided.reserve(units.size());
    for (const Unit& unit : units) {
      if (too_long(unit)) {
        QUIRE_RETURN_IF_ERROR(Divide(text, unit, NumPieces(unit, limits), divided));
      } else {
        divided.push_back(unit);
      }
    }
    units = std::move(divided);
  }
}

}  // namespace quire::retrieval
