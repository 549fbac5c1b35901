#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

// A long text as the token sequences that a model of bounded context reads it in.

namespace quire::engine {

// What a tokenizer puts before a text: the special tokens, BOS as a rule, that stand in
// `with_special` before the ids of the same text without special tokens. Empty if those are not in
// it.
std::vector<std::int32_t> LeadingTokens(std::span<const std::int32_t> with_special,
                                        std::span<const std::int32_t> without_special);

// `ids` in windows that do not overlap: each is `leading` and the next ids, `window_tokens` in all,
// the last one shorter where they do not fill it. A window that would hold a single token is left
// out, since nothing in it has anything before it. Requires: window_tokens > leading.size() and
// window_tokens >= 2.
std::vector<std::vector<std::int32_t>> CutWindows(std::span<const std::int32_t> ids,
                                                  std::span<const std::int32_t> leading,
                                                  std::size_t window_tokens);

}  // namespace quire::engine
