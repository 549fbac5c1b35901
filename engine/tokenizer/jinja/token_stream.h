#pragma once

#include <algorithm>
#include <string>
#include <string_view>
#include <vector>

#include "base/status.h"
#include "engine/tokenizer/jinja/token.h"

namespace quire::engine::jinja {

// The tokens of a template on their way through the parser. Stays at the last token, kEnd.
class TokenStream {
 public:
  // Requires: the last token is kEnd.
  explicit TokenStream(std::vector<Token> tokens) : tokens_(std::move(tokens)) {}

  const Token& Current() const { return tokens_[at_]; }
  const Token& Following() const { return tokens_[std::min(at_ + 1, tokens_.size() - 1)]; }
  // Returns the current token and moves on.
  Token Take();

  // Moves on if the current token is this one.
  bool SkipOperator(std::string_view value);
  bool SkipName(std::string_view value);
  // The same, but INVALID_ARGUMENT if it is not.
  Status ExpectOperator(std::string_view value);
  Status Expect(TokenKind kind, std::string_view what);
  StatusOr<std::string> ExpectName();

  // INVALID_ARGUMENT at the current token.
  Status Error(std::string_view wanted) const;

 private:
  const std::vector<Token> tokens_;
  std::size_t at_ = 0;
};

// Guards the parser's stack: one level of nesting per instance.
class ParseDepth {
 public:
  // INVALID_ARGUMENT in status() if the template is nested too deep.
  ParseDepth(int& depth, const TokenStream& tokens);
  ~ParseDepth() { --depth_; }
  ParseDepth(const ParseDepth&) = delete;
  ParseDepth& operator=(const ParseDepth&) = delete;
  const Status& status() const { return status_; }

 private:
  int& depth_;
  Status status_;
};

}  // namespace quire::engine::jinja
