#pragma once

#include <span>
#include <string_view>
#include <vector>

#include "services/orchestrator/packing/source_document.h"

namespace quire::services {

// The smallest piece that packing moves: a sentence, or words where a sentence is too long. White
// space after it belongs to it, so the units of a document tile its text.
struct TextUnit {
  TextRange range;
  bool ends_paragraph = false;  // a blank line follows
};

// The sentences of the documents, in order. None consists of white space alone; a document that
// does has no units.
std::vector<TextUnit> CutIntoUnits(std::span<const SourceDocument> documents);

// Where `text` can be cut into pieces of at most 32 bytes between words; a longer word is cut
// between characters. Byte offsets, ascending; the last one is text.size(). Empty for no text.
std::vector<std::size_t> PieceEnds(std::string_view text);

// `unit` in pieces as by PieceEnds. Only the last one can end the paragraph.
std::vector<TextUnit> SplitIntoWords(std::span<const SourceDocument> documents,
                                     const TextUnit& unit);

// Joins consecutive units to stretches of about 800 bytes, which is what one number in a prompt
// stands for: small enough to look up, large enough to be read alone. Ends them at paragraphs where
// it can; never spans two documents.
std::vector<TextRange> JoinIntoPassages(std::span<const TextUnit> units);

}  // namespace quire::services
