#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace quire::engine::jinja {

enum class TokenKind : std::uint8_t {
  kData,           // text between tags
  kVariableBegin,  // {{
  kVariableEnd,    // }}
  kBlockBegin,     // {%
  kBlockEnd,       // %}
  kName,
  kString,  // without quotes, escapes resolved
  kInteger,
  kFloat,
  kOperator,
  kEnd,  // of the template
};

struct Token {
  TokenKind kind = TokenKind::kEnd;
  std::string text;
  int line = 1;    // from 1
  int column = 1;  // from 1, in bytes

  bool Is(TokenKind wanted, std::string_view value) const {
    return kind == wanted && text == value;
  }
  bool IsName(std::string_view value) const { return Is(TokenKind::kName, value); }
  bool IsOperator(std::string_view value) const { return Is(TokenKind::kOperator, value); }
};

}  // namespace quire::engine::jinja
