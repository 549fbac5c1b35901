#pragma once

#include <cstdint>
#include <string_view>
#include <vector>

#include "base/status.h"
#include "retrieval/chunking/token_counter.h"
#include "retrieval/parsing/parser.h"

namespace quire::retrieval {

// What chunks are packed from: a sentence, or a piece of one that is too long for a chunk. Without
// white space at its ends. Offsets are 32 bits wide because a document may hold tens of millions.
struct Unit {
  std::uint32_t start = 0;  // byte range of the text
  std::uint32_t end = 0;
  std::int32_t tokens = 0;
  std::int32_t heading = -1;  // index of the heading that the unit begins with
};

struct UnitLimits {
  std::int32_t tokens = 0;
  std::size_t bytes = 0;
};

// The sentences of the document, each within the limits. A longer one is cut evenly at white space
// into pieces of about an eighth of the limit, so that they pack well; a longer word between
// characters. Counts each sentence and each piece once.
//
// Returns INVALID_ARGUMENT if one character exceeds the limit, or the text 4 GiB; errors of
// `counter` as they are.
StatusOr<std::vector<Unit>> FindUnits(const ParsedDocument& document, const UnitLimits& limits,
                                      const TokenCounter& counter);

}  // namespace quire::retrieval
