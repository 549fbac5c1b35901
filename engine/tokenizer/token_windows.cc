#include "engine/tokenizer/token_windows.h"

#include <algorithm>

#include "base/check.h"

namespace quire::engine {

std::vector<std::int32_t> LeadingTokens(std::span<const std::int32_t> with_special,
                                        std::span<const std::int32_t> without_special) {
  const auto found = std::search(with_special.begin(), with_special.end(), without_special.begin(),
                                 without_special.end());
  if (found == with_special.end()) return {};
  return {with_special.begin(), found};
}

std::vector<std::vector<std::int32_t>> CutWindows(std::span<const std::int32_t> ids,
                                                  std::span<const std::int32_t> leading,
                                                  std::size_t window_tokens) {
  QUIRE_CHECK(window_tokens > leading.size() && window_tokens >= 2);
  std::vector<std::vector<std::int32_t>> windows;
  while (!ids.empty()) {
    const std::size_t count = std::min(ids.size(), window_tokens - leading.size());
    std::vector<std::int32_t> window(leading.begin(), leading.end());
    window.insert(window.end(), ids.begin(), ids.begin() + static_cast<std::ptrdiff_t>(count));
    if (window.size() >= 2) windows.push_back(std::move(window));
    ids = ids.subspan(count);
  }
  return windows;
}

}  // namespace quire::engine
