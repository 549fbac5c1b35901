#include "engine/tokenizer/jinja/lexer.h"

#include <algorithm>
#include <array>
#include <string>

#include "base/ascii.h"
#include "base/utf8.h"
#include "engine/tokenizer/jinja/characters.h"
#include "engine/tokenizer/jinja/string_literal.h"

namespace quire::engine::jinja {
namespace {

constexpr std::size_t kMaxBrackets = 100;

// Longer ones first.
constexpr std::array<std::string_view, 27> kOperators = {
    "//", "**", "==", "!=", ">=", "<=", "+", "-", "/", "*", "%", "~", "[", "]",
    "(",  ")",  "{",  "}",  "=",  "<",  ">", ".", ":", "|", ",", ";", "!"};

bool IsNameStart(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_' ||
         static_cast<unsigned char>(c) >= 0x80;
}

std::string NormalizeLineBreaks(std::string_view source) {
  std::string text;
  text.reserve(source.size());
  for (std::size_t i = 0; i < source.size(); ++i) {
    if (source[i] != '\r') {
      text += source[i];
      continue;
    }
    text += '\n';
    if (i + 1 < source.size() && source[i + 1] == '\n') ++i;
  }
  if (text.ends_with('\n')) text.pop_back();
  return text;
}

class Lexer {
 public:
  explicit Lexer(std::string_view source) : text_(NormalizeLineBreaks(source)) {}

  StatusOr<std::vector<Token>> Run() {
    while (at_ < text_.size()) QUIRE_RETURN_IF_ERROR(LexDataAndTag());
    Emit(TokenKind::kEnd, "");
    return std::move(tokens_);
  }

 private:
  std::string_view Rest() const { return std::string_view(text_).substr(at_); }
  bool At(std::string_view wanted) const { return Rest().starts_with(wanted); }

  // Moves to `end`, counting lines.
  void MoveTo(std::size_t end) {
    for (; at_ < end; ++at_) {
      if (text_[at_] != '\n') continue;
      ++line_;
      line_begin_ = at_ + 1;
    }
  }
  int column() const { return static_cast<int>(at_ - line_begin_) + 1; }
  void Emit(TokenKind kind, std::string text) {
    tokens_.push_back({kind, std::move(text), line_, column()});
  }
  Status Error(std::string_view wanted) const {
    const std::string found = at_ < text_.size()
                                  ? fmt::format("\"{}\"", ReplaceInvalidUtf8(Rest().substr(0, 10)))
                                  : std::string("the end of the template");
    return InvalidArgument("template line {}, column {}: wanted {}, have {}", line_, column(),
                           wanted, found);
  }

  void SkipWhitespace() {
    std::size_t end = at_;
    while (end < text_.size() && IsPythonSpace(DecodeUtf8(text_, end).code_point)) {
      end = NextCharacter(text_, end);
    }
    MoveTo(end);
  }

  // Offset of the next "{{", "{%" or "{#".
  std::size_t FindTag() const {
    for (std::size_t at = text_.find('{', at_); at != std::string::npos;
         at = text_.find('{', at + 1)) {
      if (at + 1 < text_.size() &&
          std::string_view("{%#").find(text_[at + 1]) != std::string::npos) {
        return at;
      }
    }
    return text_.size();
  }

  // The data up to the next tag, without the whitespace that the tag takes away on its left.
  std::string_view DataBefore(std::size_t tag) const {
    const std::string_view data = Rest().substr(0, tag - at_);
    if (tag == text_.size()) return data;
    const char kind = text_[tag + 1];
    const char sign = tag + 2 < text_.size() ? text_[tag + 2] : '\0';
    if (sign == '-') {
      std::size_t end = data.size();
      while (end > 0) {
        const std::size_t last = PreviousUtf8Offset(data, end);
        if (!IsPythonSpace(DecodeUtf8(data, last).code_point)) break;
        end = last;
      }
      return data.substr(0, end);
    }
    if (sign == '+' || kind == '{') return data;
    // lstrip_blocks: whitespace from the beginning of the line.
    const std::size_t line = data.rfind('\n') + 1;
    if (line == 0 && !starts_line_) return data;
    const std::string_view indentation = data.substr(line);
    for (std::size_t i = 0; i < indentation.size(); i = NextCharacter(indentation, i)) {
      if (!IsPythonSpace(DecodeUtf8(indentation, i).code_point)) return data;
    }
    return data.substr(0, line);
  }

  Status LexDataAndTag() {
    const std::size_t tag = FindTag();
    const std::string_view data = DataBefore(tag);
    if (!data.empty()) Emit(TokenKind::kData, std::string(data));
    MoveTo(tag);
    if (at_ == text_.size()) return OkStatus();
    const char kind = text_[at_ + 1];
    if (kind == '#') return SkipComment();
    Emit(kind == '{' ? TokenKind::kVariableBegin : TokenKind::kBlockBegin, "");
    MoveTo(at_ + 2);
    if (At("-") || At("+")) MoveTo(at_ + 1);
    return LexTag(kind == '{' ? "}}" : "%}",
                  kind == '{' ? TokenKind::kVariableEnd : TokenKind::kBlockEnd);
  }

  // Behind the end of a tag: "-" takes all whitespace, a block's end one line break.
  void EndTag(std::size_t end, char sign, bool trims_line) {
    MoveTo(end);
    if (sign == '-') {
      SkipWhitespace();
    } else if (trims_line && sign != '+' && At("\n")) {
      MoveTo(at_ + 1);
    }
    starts_line_ = at_ > 0 && text_[at_ - 1] == '\n';
  }

  Status SkipComment() {
    const bool has_sign =
        at_ + 2 < text_.size() && (text_[at_ + 2] == '-' || text_[at_ + 2] == '+');
    const std::size_t body = at_ + (has_sign ? 3 : 2);
    const std::size_t end = text_.find("#}", body);
    if (end == std::string::npos) {
      at_ = text_.size();
      return Error("the end of a comment");
    }
    EndTag(end + 2, end > body ? text_[end - 1] : '\0', /*trims_line=*/true);
    return OkStatus();
  }

  Status LexTag(std::string_view end, TokenKind end_kind) {
    while (true) {
      SkipWhitespace();
      if (at_ == text_.size()) return Error(fmt::format("\"{}\"", end));
      const bool block = end_kind == TokenKind::kBlockEnd;
      const bool has_sign = At("-") || (block && At("+"));
      if (brackets_.empty() && Rest().substr(has_sign ? 1 : 0).starts_with(end)) {
        const char sign = has_sign ? text_[at_] : '\0';
        Emit(end_kind, "");
        EndTag(at_ + (has_sign ? 1 : 0) + end.size(), sign, block);
        return OkStatus();
      }
      QUIRE_RETURN_IF_ERROR(LexToken());
    }
  }

  Status LexToken() {
    const char c = text_[at_];
    if (IsNameStart(c)) return LexName();
    if (IsAsciiDigit(c)) return LexNumber();
    if (c == '"' || c == '\'') return LexString(c);
    return LexOperator();
  }

  Status LexName() {
    std::size_t end = at_;
    while (end < text_.size() && (IsNameStart(text_[end]) || IsAsciiDigit(text_[end]))) ++end;
    Emit(TokenKind::kName, text_.substr(at_, end - at_));
    MoveTo(end);
    return OkStatus();
  }

  // The end of a run of digits, which single underscores may separate.
  std::size_t SkipDigits(std::size_t at) const {
    while (at < text_.size() &&
           (IsAsciiDigit(text_[at]) ||
            (text_[at] == '_' && at + 1 < text_.size() && IsAsciiDigit(text_[at + 1])))) {
      ++at;
    }
    return at;
  }

  Status LexNumber() {
    std::size_t end = SkipDigits(at_);
    bool is_float = false;
    // Behind a dot stands an index: "names.0.1".
    const bool after_dot = at_ > 0 && text_[at_ - 1] == '.';
    const auto digit_at = [&](std::size_t i) { return i < text_.size() && IsAsciiDigit(text_[i]); };
    if (!after_dot && end < text_.size() && text_[end] == '.' && digit_at(end + 1)) {
      end = SkipDigits(end + 1);
      is_float = true;
    }
    if (!after_dot && end < text_.size() && (text_[end] == 'e' || text_[end] == 'E')) {
      const bool sign = end + 1 < text_.size() && (text_[end + 1] == '+' || text_[end + 1] == '-');
      if (digit_at(end + (sign ? 2 : 1))) {
        end = SkipDigits(end + (sign ? 2 : 1));
        is_float = true;
      }
    }
    std::string digits = text_.substr(at_, end - at_);
    std::erase(digits, '_');
    Emit(is_float ? TokenKind::kFloat : TokenKind::kInteger, std::move(digits));
    MoveTo(end);
    return OkStatus();
  }

  Status LexString(char quote) {
    std::size_t end = at_ + 1;
    while (end < text_.size() && text_[end] != quote) end += text_[end] == '\\' ? 2 : 1;
    if (end >= text_.size()) return Error("the end of a string");
    const std::optional<std::string> value =
        ResolveEscapes(std::string_view(text_).substr(at_ + 1, end - at_ - 1));
    if (!value) return Error("a string with valid escapes");
    Emit(TokenKind::kString, *value);
    MoveTo(end + 1);
    return OkStatus();
  }

  Status LexOperator() {
    const auto found = std::find_if(kOperators.begin(), kOperators.end(),
                                    [&](std::string_view op) { return At(op); });
    if (found == kOperators.end()) return Error("an expression");
    const char c = (*found)[0];
    if (c == '(' || c == '[' || c == '{') {
      if (brackets_.size() == kMaxBrackets) {
        return Error(fmt::format("at most {} nested brackets", kMaxBrackets));
      }
      brackets_ += c == '(' ? ')' : c == '[' ? ']' : '}';
    } else if (c == ')' || c == ']' || c == '}') {
      if (brackets_.empty() || brackets_.back() != c) return Error("brackets that match");
      brackets_.pop_back();
    }
    Emit(TokenKind::kOperator, std::string(*found));
    MoveTo(at_ + found->size());
    return OkStatus();
  }

  const std::string text_;
  std::size_t at_ = 0;
  int line_ = 1;
  std::size_t line_begin_ = 0;
  bool starts_line_ = true;  // what comes before at_ is a line break or nothing
  std::string brackets_;     // closing brackets that are due, the innermost last
  std::vector<Token> tokens_;
};

}  // namespace

StatusOr<std::vector<Token>> Tokenize(std::string_view source) { return Lexer(source).Run(); }

}  // namespace quire::engine::jinja
