#define PCRE2_CODE_UNIT_WIDTH 8
#include "engine/tokenizer/regex_pattern.h"

#include <pcre2.h>

#include <string>

#include "base/utf8.h"

namespace quire::engine {
namespace {

constexpr std::size_t kMaxRegexBytes = 16 << 10;
// Backtracking steps of one search. The expressions in use need a handful a character, and a
// search consumes one word.
constexpr std::uint32_t kMatchLimit = 1'000'000;
constexpr std::uint32_t kHeapLimitKib = 16 << 10;

template <auto Free>
struct Freer {
  template <typename T>
  void operator()(T* object) const {
    Free(object);
  }
};
using Code = std::unique_ptr<pcre2_code, Freer<pcre2_code_free>>;
using MatchContext = std::unique_ptr<pcre2_match_context, Freer<pcre2_match_context_free>>;
using MatchBlock = std::unique_ptr<pcre2_match_data, Freer<pcre2_match_data_free>>;

PCRE2_SPTR Bytes(std::string_view text) { return reinterpret_cast<PCRE2_SPTR>(text.data()); }

class RegexPattern final : public SplitPattern {
 public:
  RegexPattern(Code code, MatchContext context)
      : code_(std::move(code)), context_(std::move(context)) {}

  void FindMatches(std::string_view text, std::vector<Match>& matches) const override {
    const MatchBlock block(pcre2_match_data_create(1, nullptr));
    if (block == nullptr) return;
    std::size_t at = 0;
    while (at < text.size()) {
      const int count = pcre2_match(code_.get(), Bytes(text), text.size(), at, PCRE2_NO_UTF_CHECK,
                                    block.get(), context_.get());
      if (count == PCRE2_ERROR_NOMATCH) return;
      if (count < 0) {
        matches.push_back({at, text.size()});
        return;
      }
      const PCRE2_SIZE* range = pcre2_get_ovector_pointer(block.get());
      if (range[1] > range[0] && range[0] >= at) {
        matches.push_back({range[0], range[1]});
        at = range[1];
      } else if (range[0] < text.size()) {
        // An empty match: go on behind the next character.
        at = range[0] + static_cast<std::size_t>(DecodeUtf8(text, range[0]).length_bytes);
      } else {
        return;
      }
    }
  }

 private:
  const Code code_;
  const MatchContext context_;
};

std::string ErrorText(int code) {
  PCRE2_UCHAR buffer[256] = {};
  pcre2_get_error_message(code, buffer, sizeof(buffer));
  return reinterpret_cast<const char*>(buffer);
}

}  // namespace

StatusOr<std::unique_ptr<SplitPattern>> NewRegexPattern(std::string_view regex,
                                                        std::string_view place) {
  if (regex.size() > kMaxRegexBytes) {
    return InvalidArgument("{}: wanted at most {} bytes, have {}", place, kMaxRegexBytes,
                           regex.size());
  }
  int error = 0;
  PCRE2_SIZE error_offset = 0;
  Code code(pcre2_compile(Bytes(regex), regex.size(),
                          PCRE2_UTF | PCRE2_UCP | PCRE2_NEVER_BACKSLASH_C, &error, &error_offset,
                          nullptr));
  if (code == nullptr) {
    return InvalidArgument("{}: wanted a regular expression, have an error at byte {}: {}", place,
                           error_offset, ErrorText(error));
  }
  // Without a JIT the interpreter runs the expression: slower, the same matches.
  pcre2_jit_compile(code.get(), PCRE2_JIT_COMPLETE);
  MatchContext context(pcre2_match_context_create(nullptr));
  if (context == nullptr) return ResourceExhausted("{}: no memory for its matcher", place);
  pcre2_set_match_limit(context.get(), kMatchLimit);
  pcre2_set_heap_limit(context.get(), kHeapLimitKib);
  return std::make_unique<RegexPattern>(std::move(code), std::move(context));
}

}  // namespace quire::engine
