#pragma once

#include <gtest/gtest.h>

#define PCRE2_CODE_UNIT_WIDTH 8
#include <pcre2.h>

#include <memory>
#include <optional>
#include <string_view>

namespace quire::testing {

// A regular expression as PCRE2 understands it: somebody else's opinion.
class Pcre2Oracle {
 public:
  explicit Pcre2Oracle(std::string_view pattern) {
    int error = 0;
    PCRE2_SIZE offset = 0;
    code_.reset(pcre2_compile(reinterpret_cast<PCRE2_SPTR>(pattern.data()), pattern.size(),
                              PCRE2_UTF | PCRE2_DOLLAR_ENDONLY, &error, &offset, nullptr));
    EXPECT_NE(code_, nullptr) << "PCRE2 error " << error << " at byte " << offset << " of "
                              << pattern;
  }

  // True if the whole of `text`, which is UTF-8, matches. Nothing if PCRE2 gave up.
  std::optional<bool> MatchesWhole(std::string_view text) const {
    return Match(text, PCRE2_ANCHORED | PCRE2_ENDANCHORED);
  }
  // True if something in `text` matches.
  std::optional<bool> Finds(std::string_view text) const { return Match(text, 0); }

 private:
  struct Free {
    void operator()(pcre2_code* code) const { pcre2_code_free(code); }
    void operator()(pcre2_match_data* match) const { pcre2_match_data_free(match); }
  };

  std::optional<bool> Match(std::string_view text, std::uint32_t options) const {
    const std::unique_ptr<pcre2_match_data, Free> match(pcre2_match_data_create(1, nullptr));
    const int result = pcre2_match(code_.get(), reinterpret_cast<PCRE2_SPTR>(text.data()),
                                   text.size(), 0, options, match.get(), nullptr);
    if (result >= 0) return true;
    if (result == PCRE2_ERROR_NOMATCH) return false;
    return std::nullopt;
  }

  std::unique_ptr<pcre2_code, Free> code_;
};

}  // namespace quire::testing
