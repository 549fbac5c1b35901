#include "engine/tokenizer/regex_dialect.h"

#include <algorithm>
#include <array>

namespace quire::engine {
namespace {

constexpr std::string_view kSpace = R"(\p{White_Space})";
constexpr std::string_view kNoSpace = R"(\P{White_Space})";
constexpr std::string_view kHexDigit = "0-9a-fA-F";
constexpr std::string_view kWord = R"(\p{Alphabetic}\p{M}\p{Nd}\p{Pc})";
// Superscripts and fractions of Latin-1, which \w matches, but only outside of a set.
constexpr std::string_view kLatin1Numbers = R"(\x{B2}\x{B3}\x{B9}\x{BC}-\x{BE})";

// Scripts that tokenizers name. PCRE2 takes \p{Han} for the script extensions; \p{sc:Han} is the
// script.
constexpr std::array<std::string_view, 14> kScripts = {
    "Han",  "Hiragana", "Katakana", "Hangul",     "Latin",   "Cyrillic", "Greek",
    "Thai", "Arabic",   "Hebrew",   "Devanagari", "Bengali", "Tamil",    "Bopomofo"};

class Translator {
 public:
  Translator(std::string_view regex, std::string_view place) : regex_(regex), place_(place) {}

  StatusOr<std::string> Run() {
    while (at_ < regex_.size()) {
      const char c = regex_[at_];
      if (c == '\\') {
        TranslateEscape();
      } else if (in_set_) {
        QUIRE_RETURN_IF_ERROR(CopyFromSet(c));
      } else {
        if (c == '[') EnterSet();
        out_ += c;
        ++at_;
      }
    }
    return std::move(out_);
  }

 private:
  // A "]" that comes first in a set is a member.
  void EnterSet() {
    in_set_ = true;
    set_begin_ = at_ + 1;
    if (regex_.substr(set_begin_).starts_with('^')) ++set_begin_;
  }

  Status CopyFromSet(char c) {
    const std::string_view rest = regex_.substr(at_);
    if (rest.starts_with("[:")) {
      const std::size_t end = rest.find(":]");
      if (end == rest.npos) return InvalidArgument("{}: wanted \":]\" after \"[:\"", place_);
      out_ += rest.substr(0, end + 2);
      at_ += end + 2;
      return OkStatus();
    }
    if (rest.starts_with("[^") || rest.starts_with("&&")) {
      return InvalidArgument("{}: wanted unions of sets alone, have another at byte {}", place_,
                             at_);
    }
    // A set in a set adds its members.
    const bool closes = c == ']' && at_ > set_begin_;
    const bool is_inner = c == '[' || (closes && num_inner_sets_ > 0);
    if (c == '[') ++num_inner_sets_;
    if (closes) {
      in_set_ = num_inner_sets_ > 0;
      if (num_inner_sets_ > 0) --num_inner_sets_;
    }
    if (!is_inner) out_ += c;
    ++at_;
    return OkStatus();
  }

  void TranslateEscape() {
    const char kind = at_ + 1 < regex_.size() ? regex_[at_ + 1] : '\0';
    const std::size_t length = std::min<std::size_t>(2, regex_.size() - at_);
    switch (kind) {
      case 's':
        out_ += kSpace;
        break;
      case 'S':
        out_ += kNoSpace;
        break;
      case 'h':
        AppendMembers(kHexDigit, "");
        break;
      case 'w':
        AppendMembers(kWord, kLatin1Numbers);
        break;
      case 'p':
      case 'P':
        return TranslateProperty();
      default:
        out_ += regex_.substr(at_, length);
    }
    at_ += length;
  }

  // Members of a set; as a set of their own, with `more`, if they stand outside of one.
  void AppendMembers(std::string_view members, std::string_view more) {
    if (in_set_) {
      out_ += members;
    } else {
      out_ += fmt::format("[{}{}]", members, more);
    }
  }

  void TranslateProperty() {
    const std::string_view rest = regex_.substr(at_);
    const std::size_t end = rest.find('}');
    if (rest.substr(2, 1) != "{" || end == rest.npos) {
      out_ += rest.substr(0, 2);
      at_ += 2;
      return;
    }
    std::string_view name = rest.substr(3, end - 3);
    const bool negated = name.starts_with('^');
    if (negated) name.remove_prefix(1);
    const bool is_script = std::find(kScripts.begin(), kScripts.end(), name) != kScripts.end();
    out_ += fmt::format("{}{{{}{}{}}}", rest.substr(0, 2), negated ? "^" : "",
                        is_script ? "sc:" : "", name);
    at_ += end + 1;
  }

  const std::string_view regex_;
  const std::string_view place_;
  std::string out_;
  std::size_t at_ = 0;
  bool in_set_ = false;
  std::size_t set_begin_ = 0;  // of the first member
  int num_inner_sets_ = 0;
};

}  // namespace

StatusOr<std::string> TranslateRegex(std::string_view regex, std::string_view place) {
  return Translator(regex, place).Run();
}

}  // namespace quire::engine
