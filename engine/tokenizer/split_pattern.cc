#include "engine/tokenizer/split_pattern.h"

#include "engine/tokenizer/regex_pattern.h"
#include "engine/tokenizer/split_scanners.h"

namespace quire::engine {
namespace {

class StringPattern final : public SplitPattern {
 public:
  explicit StringPattern(std::string needle) : needle_(std::move(needle)) {}
  void ForEachMatch(std::string_view text, MatchVisitor visit) const override {
    for (std::size_t at = text.find(needle_); at != std::string_view::npos;
         at = text.find(needle_, at + needle_.size())) {
      visit({at, at + needle_.size()});
    }
  }

 private:
  const std::string needle_;
};

}  // namespace

std::unique_ptr<SplitPattern> NewStringPattern(std::string needle) {
  return std::make_unique<StringPattern>(std::move(needle));
}

StatusOr<std::unique_ptr<SplitPattern>> NewSplitPattern(const JsonField& spec) {
  if (const auto field = spec.Find("Regex")) {
    QUIRE_ASSIGN_OR_RETURN(const std::string regex, field->String());
    if (std::unique_ptr<SplitPattern> scanner = FindSplitScanner(regex)) return scanner;
    return NewRegexPattern(regex, field->path());
  }
  const JsonField field = spec.Find("String").value_or(spec);
  QUIRE_ASSIGN_OR_RETURN(std::string needle, field.String());
  if (needle.empty()) return field.Wanted("a pattern that is not empty");
  return NewStringPattern(std::move(needle));
}

}  // namespace quire::engine
