#include "engine/tokenizer/set_scanner.h"

#include <limits>
#include <optional>
#include <utility>

#include "base/utf8.h"
#include "engine/tokenizer/character_set.h"
#include "engine/tokenizer/scan_cursor.h"

namespace quire::engine {
namespace {

// Reads the expression of a set. Whatever it does not know makes the whole one unknown.
class SetReader {
 public:
  explicit SetReader(std::string_view regex) : regex_(regex) {}

  bool Skip(std::string_view text) {
    if (!regex_.substr(at_).starts_with(text)) return false;
    at_ += text.size();
    return true;
  }
  std::size_t at() const { return at_; }

  // "[...]"
  bool ReadSet(CharacterSet& set) {
    if (!Skip("[") || regex_.substr(at_).starts_with('^')) return false;
    do {
      const std::optional<char32_t> begin = ReadMember();
      if (!begin) return false;
      std::optional<char32_t> end = begin;
      if (Skip("-")) end = ReadMember();
      if (!end || *end < *begin) return false;
      set.Add(*begin, *end);
    } while (!Skip("]"));
    return true;
  }

 private:
  // One character, as itself or escaped.
  std::optional<char32_t> ReadMember() {
    if (Skip("\\")) return ReadEscape();
    const std::optional<char32_t> c = ReadCharacter();
    // Sets of sets, and what begins other things in some dialects.
    if (c == U'[' || c == U']' || c == U'&' || c == U'-') return std::nullopt;
    return c;
  }
  std::optional<char32_t> ReadEscape() {
    if (Skip("r")) return U'\r';
    if (Skip("n")) return U'\n';
    if (Skip("t")) return U'\t';
    if (Skip("x{")) return ReadHex();
    const std::optional<char32_t> c = ReadCharacter();
    constexpr std::string_view kPlain = R"([]\-^.*+?(){}|/$)";
    const bool plain = c && *c < 128 && kPlain.find(static_cast<char>(*c)) != kPlain.npos;
    return plain ? c : std::nullopt;
  }
  std::optional<char32_t> ReadHex() {
    char32_t value = 0;
    for (int digits = 0; !Skip("}"); ++digits) {
      constexpr std::string_view kDigits = "0123456789ABCDEF";
      const std::size_t digit = at_ == regex_.size() ? kDigits.npos : kDigits.find(regex_[at_]);
      if (digit == kDigits.npos || digits == 6) return std::nullopt;
      value = value * 16 + static_cast<char32_t>(digit);
      ++at_;
    }
    return value;
  }
  std::optional<char32_t> ReadCharacter() {
    if (at_ == regex_.size()) return std::nullopt;
    const DecodedChar c = DecodeUtf8(regex_, at_);
    if (!c.valid) return std::nullopt;
    at_ += static_cast<std::size_t>(c.length_bytes);
    return c.code_point;
  }

  const std::string_view regex_;
  std::size_t at_ = 0;
};

class SetScanner final : public SplitPattern {
 public:
  // Null if it is no such expression.
  static std::unique_ptr<SetScanner> Parse(std::string_view regex) {
    auto scanner = std::make_unique<SetScanner>();
    SetReader reader(regex);
    scanner->takes_space_ = reader.Skip(R"(\s?)");
    const std::size_t begin = reader.at();
    if (!reader.ReadSet(scanner->set_)) return nullptr;
    const std::string_view set = regex.substr(begin, reader.at() - begin);
    if (reader.Skip("+")) {
      scanner->max_length_ = std::numeric_limits<std::size_t>::max();
    } else {
      while (reader.Skip(set)) ++scanner->min_length_;
      scanner->max_length_ = scanner->min_length_;
    }
    return reader.at() == regex.size() ? std::move(scanner) : nullptr;
  }

  void ForEachMatch(std::string_view text, MatchVisitor visit) const override {
    const ScanCursor cursor(text);
    for (std::size_t begin = 0; begin < text.size();) {
      const Character c = cursor.At(begin);
      const bool is_space = takes_space_ && c.Is(kWhitespace);
      std::size_t end = is_space ? RunEnd(text, begin + c.length) : begin;
      // Whitespace may be of the set itself.
      if (end <= begin) end = RunEnd(text, begin);
      if (end > begin) visit({begin, end});
      begin = end > begin ? end : begin + c.length;
    }
  }

 private:
  // The end of the run at `begin`, or 0 if it is too short.
  std::size_t RunEnd(std::string_view text, std::size_t begin) const {
    std::size_t length = 0;
    std::size_t end = begin;
    while (end < text.size() && length < max_length_) {
      const DecodedChar c = DecodeUtf8(text, end);
      if (!set_.Contains(c.code_point)) break;
      end += static_cast<std::size_t>(c.length_bytes);
      ++length;
    }
    return length >= min_length_ ? end : 0;
  }

  CharacterSet set_;
  bool takes_space_ = false;
  std::size_t min_length_ = 1;  // characters
  std::size_t max_length_ = 1;
};

}  // namespace

std::unique_ptr<SplitPattern> NewSetScanner(std::string_view regex) {
  return SetScanner::Parse(regex);
}

}  // namespace quire::engine
