#pragma once

namespace quire::testing {

// Whether a sanitizer watches: everything then takes ten to thirty times as long.
constexpr bool IsSanitized() {
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
  return true;
#else
  return false;
#endif
}

}  // namespace quire::testing
