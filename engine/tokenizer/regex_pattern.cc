#define PCRE2_CODE_UNIT_WIDTH 8
#include "engine/tokenizer/regex_pattern.h"

#include <pcre2.h>

#include <algorithm>
#include <cstdint>
#include <string>

#include "base/utf8.h"
#include "engine/tokenizer/regex_dialect.h"

namespace quire::engine {
namespace {

constexpr std::size_t kMaxRegexBytes = 16 << 10;
// Backtracking steps of one search, and more for each byte of the text: the expressions in use need
// a handful a character, and a search consumes one word, which may be all of the text.
constexpr std::uint32_t kMinSteps = 1'000'000;
constexpr std::uint32_t kStepsPerByte = 32;
constexpr std::uint32_t kHeapLimitKib = 64 << 10;
constexpr std::size_t kMinJitStackBytes = 32 << 10;
constexpr std::size_t kMaxJitStackBytes = 64 << 20;

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
using JitStack = std::unique_ptr<pcre2_jit_stack, Freer<pcre2_jit_stack_free>>;

PCRE2_SPTR Bytes(std::string_view text) { return reinterpret_cast<PCRE2_SPTR>(text.data()); }

// What a search needs besides the expression. One for each thread: making it anew would cost more
// than searching a word.
class Matcher {
 public:
  static Matcher& OfThread() {
    thread_local Matcher matcher;
    return matcher;
  }

  // False if there was no memory.
  bool ok() const { return block_ != nullptr && context_ != nullptr; }

  // pcre2_match from `at`, with the steps that `text` allows; range() is the match, until the next
  // search of the thread.
  int Match(const pcre2_code& code, std::string_view text, std::size_t at) {
    const std::uint64_t steps = kMinSteps + std::uint64_t{kStepsPerByte} * text.size();
    pcre2_set_match_limit(context_.get(),
                          static_cast<std::uint32_t>(std::min<std::uint64_t>(steps, UINT32_MAX)));
    return pcre2_match(&code, Bytes(text), text.size(), at, PCRE2_NO_UTF_CHECK, block_.get(),
                       context_.get());
  }
  const PCRE2_SIZE* range() const { return pcre2_get_ovector_pointer(block_.get()); }

 private:
  Matcher()
      : block_(pcre2_match_data_create(1, nullptr)),
        context_(pcre2_match_context_create(nullptr)),
        stack_(pcre2_jit_stack_create(kMinJitStackBytes, kMaxJitStackBytes, nullptr)) {
    if (context_ == nullptr) return;
    pcre2_set_heap_limit(context_.get(), kHeapLimitKib);
    if (stack_ != nullptr) pcre2_jit_stack_assign(context_.get(), nullptr, stack_.get());
  }

  const MatchBlock block_;
  const MatchContext context_;
  const JitStack stack_;
};

class RegexPattern final : public SplitPattern {
 public:
  explicit RegexPattern(Code code) : code_(std::move(code)) {}

  void ForEachMatch(std::string_view text, MatchVisitor visit) const override {
    Matcher& matcher = Matcher::OfThread();
    if (!matcher.ok()) return;
    std::size_t at = 0;
    while (at < text.size()) {
      const int count = matcher.Match(*code_, text, at);
      if (count == PCRE2_ERROR_NOMATCH) return;
      if (count < 0) {
        visit({at, text.size()});
        return;
      }
      const Match match{matcher.range()[0], matcher.range()[1]};
      if (match.end > match.begin && match.begin >= at) {
        visit(match);
        at = match.end;
      } else if (match.begin < text.size()) {
        // An empty match: go on behind the next character.
        at = match.begin + static_cast<std::size_t>(DecodeUtf8(text, match.begin).length_bytes);
      } else {
        return;
      }
    }
  }

 private:
  const Code code_;
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
  QUIRE_ASSIGN_OR_RETURN(const std::string translated, TranslateRegex(regex, place));
  int error = 0;
  PCRE2_SIZE error_offset = 0;
  // ^ and $ are about lines.
  constexpr std::uint32_t kOptions =
      PCRE2_UTF | PCRE2_UCP | PCRE2_MULTILINE | PCRE2_NEVER_BACKSLASH_C;
  Code code(pcre2_compile(Bytes(translated), translated.size(), kOptions, &error, &error_offset,
                          nullptr));
  if (code == nullptr) {
    return InvalidArgument("{}: wanted a regular expression, have an error: {}", place,
                           ErrorText(error));
  }
  // Without a JIT the interpreter runs the expression: slower, the same matches.
  pcre2_jit_compile(code.get(), PCRE2_JIT_COMPLETE);
  return std::make_unique<RegexPattern>(std::move(code));
}

}  // namespace quire::engine
