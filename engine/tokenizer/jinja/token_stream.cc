#include "engine/tokenizer/jinja/token_stream.h"

#include "base/utf8.h"

namespace quire::engine::jinja {
namespace {

constexpr int kMaxParseDepth = 100;

std::string Describe(const Token& token) {
  switch (token.kind) {
    case TokenKind::kEnd:
      return "the end of the template";
    case TokenKind::kData:
      return "text";
    case TokenKind::kVariableBegin:
      return "\"{{\"";
    case TokenKind::kVariableEnd:
      return "\"}}\"";
    case TokenKind::kBlockBegin:
      return "\"{%\"";
    case TokenKind::kBlockEnd:
      return "\"%}\"";
    default:
      return fmt::format("\"{}\"", ReplaceInvalidUtf8(token.text.substr(0, 40)));
  }
}

}  // namespace

Token TokenStream::Take() {
  const Token& token = tokens_[at_];
  if (at_ + 1 < tokens_.size()) ++at_;
  return token;
}

bool TokenStream::SkipOperator(std::string_view value) {
  if (!Current().IsOperator(value)) return false;
  Take();
  return true;
}

bool TokenStream::SkipName(std::string_view value) {
  if (!Current().IsName(value)) return false;
  Take();
  return true;
}

Status TokenStream::ExpectOperator(std::string_view value) {
  if (SkipOperator(value)) return OkStatus();
  return Error(fmt::format("\"{}\"", value));
}

Status TokenStream::Expect(TokenKind kind, std::string_view what) {
  if (Current().kind != kind) return Error(what);
  Take();
  return OkStatus();
}

StatusOr<std::string> TokenStream::ExpectName() {
  if (Current().kind != TokenKind::kName) return Error("a name");
  return Take().text;
}

Status TokenStream::Error(std::string_view wanted) const {
  return InvalidArgument("template line {}, column {}: wanted {}, have {}", Current().line,
                         Current().column, wanted, Describe(Current()));
}

ParseDepth::ParseDepth(int& depth, const TokenStream& tokens) : depth_(depth) {
  if (++depth_ > kMaxParseDepth)
    status_ = tokens.Error(fmt::format("at most {} levels", kMaxParseDepth));
}

}  // namespace quire::engine::jinja
