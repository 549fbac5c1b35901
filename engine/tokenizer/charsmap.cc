#include "engine/tokenizer/charsmap.h"

#include <cstring>
#include <optional>

#include "base/utf8.h"

namespace quire::engine {
namespace {

constexpr std::uint32_t kValueBit = std::uint32_t{1} << 31;

bool IsRuleEnd(std::uint32_t unit) { return (unit & kValueBit) != 0; }
bool HasRule(std::uint32_t unit) { return ((unit >> 8) & 1) != 0; }
std::uint32_t Label(std::uint32_t unit) { return unit & (kValueBit | 0xFF); }
std::uint32_t Value(std::uint32_t unit) { return unit & (kValueBit - 1); }
// At most 30 bits.
std::uint32_t Offset(std::uint32_t unit) {
  return (unit >> 10) << ((unit & (std::uint32_t{1} << 9)) >> 6);
}

}  // namespace

StatusOr<Charsmap> Charsmap::Parse(std::string_view bytes, std::string_view place) {
  Charsmap map;
  if (bytes.empty()) return map;
  std::uint32_t array_bytes = 0;
  if (bytes.size() < sizeof(array_bytes)) {
    return InvalidArgument("{}: wanted at least 4 bytes, have {}", place, bytes.size());
  }
  std::memcpy(&array_bytes, bytes.data(), sizeof(array_bytes));
  bytes.remove_prefix(sizeof(array_bytes));
  if (array_bytes > bytes.size() || array_bytes % sizeof(std::uint32_t) != 0) {
    return InvalidArgument("{}: wanted an array of whole units within {} bytes, have {}", place,
                           bytes.size(), array_bytes);
  }
  map.units_.resize(array_bytes / sizeof(std::uint32_t));
  if (array_bytes > 0) std::memcpy(map.units_.data(), bytes.data(), array_bytes);
  map.replacements_ = bytes.substr(array_bytes);
  QUIRE_RETURN_IF_ERROR(map.CheckReplacements(place));
  if (map.units_.empty()) return map;
  const std::uint32_t root = Offset(map.units_[0]);
  for (std::uint32_t byte = 1; byte < 256; ++byte) {
    const std::uint32_t child = root ^ byte;
    map.starts_[byte] = child < map.units_.size() && Label(map.units_[child]) == byte;
  }
  return map;
}

Status Charsmap::CheckReplacements(std::string_view place) const {
  if (FindInvalidUtf8(replacements_) < replacements_.size()) {
    return InvalidArgument("{}: wanted replacements in UTF-8, have an invalid byte", place);
  }
  if (!units_.empty() && !replacements_.ends_with('\0')) {
    return InvalidArgument("{}: wanted replacements that end in a zero byte, have none", place);
  }
  for (std::size_t i = 0; i < units_.size(); ++i) {
    if (!IsRuleEnd(units_[i])) continue;
    const std::uint32_t at = Value(units_[i]);
    if (at >= replacements_.size() || IsUtf8Continuation(replacements_[at])) {
      return InvalidArgument("{}: unit {}: wanted a replacement within {} bytes, have one at {}",
                             place, i, replacements_.size(), at);
    }
  }
  return OkStatus();
}

std::string_view Charsmap::Replacement(std::uint32_t unit) const {
  const std::size_t begin = Value(unit);
  return std::string_view(replacements_).substr(begin, replacements_.find('\0', begin) - begin);
}

template <typename Visit>
void Charsmap::ForEachAt(std::string_view text, std::size_t at, Visit visit) const {
  if (units_.empty()) return;
  std::uint32_t node = Offset(units_[0]);
  for (std::size_t i = at; i < text.size(); ++i) {
    const auto byte = static_cast<unsigned char>(text[i]);
    node ^= byte;
    if (byte == 0 || node >= units_.size() || Label(units_[node]) != byte) return;
    const std::uint32_t unit = units_[node];
    node ^= Offset(unit);
    if (node >= units_.size()) return;
    if (!HasRule(unit) || !IsRuleEnd(units_[node])) continue;
    if (!visit(Rule{i + 1 - at, Replacement(units_[node])})) return;
  }
}

Charsmap::Rule Charsmap::FindLongest(std::string_view text, std::size_t at) const {
  Rule longest;
  ForEachAt(text, at, [&longest](const Rule& rule) {
    longest = rule;
    return true;
  });
  return longest;
}

Charsmap::Rule Charsmap::FindShortest(std::string_view text, std::size_t at) const {
  Rule shortest;
  ForEachAt(text, at, [&shortest](const Rule& rule) {
    shortest = rule;
    return false;
  });
  return shortest;
}

}  // namespace quire::engine
