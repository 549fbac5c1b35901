#pragma once

#include <functional>
#include <string_view>

namespace quire::retrieval {

// Calls `emit` with each index term of a text, in order; the view is valid during the call.
//
// The text is folded with NFKC_Casefold (The Unicode Standard, 3.13, R5): no case, no
// compatibility forms. Runs of letters, marks and digits are terms. In scripts written without
// spaces (Han, kana, Thai, Lao, Khmer, Myanmar) the overlapping pairs of characters are, a single
// one by itself. No stemming, no stop words: BM25 weighs those down. A term is cut after 64 bytes.
//
// Requires valid UTF-8. Thread-safe.
void ForEachTerm(std::string_view text, const std::function<void(std::string_view)>& emit);

}  // namespace quire::retrieval
