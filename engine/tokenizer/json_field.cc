#include "engine/tokenizer/json_field.h"

namespace quire::engine {
namespace {

// The value for an error message: whole if short, otherwise its beginning.
std::string Describe(const nlohmann::json& value) {
  constexpr std::size_t kMaxShownBytes = 60;
  if (value.is_structured()) return fmt::format("{} of {}", value.type_name(), value.size());
  std::string text = value.dump(-1, ' ', /*ensure_ascii=*/true);
  if (text.size() > kMaxShownBytes) text = text.substr(0, kMaxShownBytes) + "...";
  return text;
}

}  // namespace

std::optional<JsonField> JsonField::Find(std::string_view key) const {
  if (!value_->is_object()) return std::nullopt;
  const auto found = value_->find(key);
  if (found == value_->end() || found->is_null()) return std::nullopt;
  return JsonField(*found, fmt::format("{}{}{}", path_, path_.ends_with(':') ? " " : ".", key));
}

StatusOr<JsonField> JsonField::Get(std::string_view key) const {
  std::optional<JsonField> member = Find(key);
  if (!member) return InvalidArgument("{}: wanted a field \"{}\", have none", path_, key);
  return *std::move(member);
}

StatusOr<std::vector<JsonField>> JsonField::Elements() const {
  if (!value_->is_array()) return Wanted("an array");
  std::vector<JsonField> elements;
  elements.reserve(value_->size());
  for (std::size_t i = 0; i < value_->size(); ++i) {
    elements.emplace_back((*value_)[i], fmt::format("{}[{}]", path_, i));
  }
  return elements;
}

StatusOr<std::string> JsonField::String() const {
  if (!value_->is_string()) return Wanted("a string");
  return value_->get<std::string>();
}

StatusOr<std::int64_t> JsonField::Integer() const {
  if (!value_->is_number_integer()) return Wanted("an integer");
  if (value_->is_number_unsigned() && value_->get<std::uint64_t>() > INT64_MAX) {
    return Wanted("an integer below 2^63");
  }
  return value_->get<std::int64_t>();
}

StatusOr<std::string> JsonField::StringOr(std::string_view key, std::string_view fallback) const {
  const std::optional<JsonField> member = Find(key);
  if (!member) return std::string(fallback);
  return member->String();
}

StatusOr<bool> JsonField::BoolOr(std::string_view key, bool fallback) const {
  const std::optional<JsonField> member = Find(key);
  if (!member) return fallback;
  if (!member->value_->is_boolean()) return member->Wanted("true or false");
  return member->value_->get<bool>();
}

StatusOr<std::int64_t> JsonField::IntegerOr(std::string_view key, std::int64_t fallback) const {
  const std::optional<JsonField> member = Find(key);
  if (!member) return fallback;
  return member->Integer();
}

Status JsonField::Wanted(std::string_view wanted) const {
  return InvalidArgument("{}: wanted {}, have {}", path_, wanted, Describe(*value_));
}

}  // namespace quire::engine
