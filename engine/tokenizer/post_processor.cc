#include "engine/tokenizer/post_processor.h"

#include <algorithm>
#include <string>

namespace quire::engine {
namespace {

using IsToken = std::function<bool(TokenId)>;

constexpr std::int64_t kMaxTypeId = 1 << 20;

StatusOr<TokenId> ParseTokenId(const JsonField& field, const IsToken& is_token) {
  QUIRE_ASSIGN_OR_RETURN(const std::int64_t id, field.Integer());
  if (id < 0 || id > INT32_MAX || !is_token(static_cast<TokenId>(id))) {
    return field.Wanted("the id of a token");
  }
  return static_cast<TokenId>(id);
}

// A special token of a template stands for one or more ids.
Status AppendSpecialToken(const JsonField& spec, const JsonField& reference,
                          const IsToken& is_token, std::vector<TokenId>& ids) {
  QUIRE_ASSIGN_OR_RETURN(const JsonField name_field, reference.Get("id"));
  QUIRE_ASSIGN_OR_RETURN(const std::string name, name_field.String());
  QUIRE_ASSIGN_OR_RETURN(const JsonField all, spec.Get("special_tokens"));
  QUIRE_ASSIGN_OR_RETURN(const JsonField token, all.Get(name));
  QUIRE_ASSIGN_OR_RETURN(const JsonField list, token.Get("ids"));
  QUIRE_ASSIGN_OR_RETURN(const std::vector<JsonField> elements, list.Elements());
  for (const JsonField& element : elements) {
    QUIRE_ASSIGN_OR_RETURN(const TokenId id, ParseTokenId(element, is_token));
    ids.push_back(id);
  }
  return OkStatus();
}

// A token type as in a template; BERT has 0 for the first text and 1 for the second.
StatusOr<std::int32_t> ParseTypeId(const JsonField& part) {
  const std::optional<JsonField> field = part.Find("type_id");
  if (!field) return 0;
  QUIRE_ASSIGN_OR_RETURN(const std::int64_t id, field->Integer());
  if (id < 0 || id > kMaxTypeId) return field->Wanted("a token type");
  return static_cast<std::int32_t>(id);
}

// One element of a "pair" template.
Status AppendPairParts(const JsonField& spec, const JsonField& element, const IsToken& is_token,
                       std::vector<PairPart>& parts) {
  if (const auto special = element.Find("SpecialToken")) {
    std::vector<TokenId> ids;
    QUIRE_RETURN_IF_ERROR(AppendSpecialToken(spec, *special, is_token, ids));
    QUIRE_ASSIGN_OR_RETURN(const std::int32_t type_id, ParseTypeId(*special));
    for (const TokenId id : ids) {
      parts.push_back({.kind = PairPart::Kind::kToken, .id = id, .type_id = type_id});
    }
    return OkStatus();
  }
  QUIRE_ASSIGN_OR_RETURN(const JsonField text, element.Get("Sequence"));
  QUIRE_ASSIGN_OR_RETURN(const JsonField name_field, text.Get("id"));
  QUIRE_ASSIGN_OR_RETURN(const std::string name, name_field.String());
  if (name != "A" && name != "B") return name_field.Wanted("A or B");
  QUIRE_ASSIGN_OR_RETURN(const std::int32_t type_id, ParseTypeId(text));
  parts.push_back({.kind = name == "A" ? PairPart::Kind::kFirst : PairPart::Kind::kSecond,
                   .id = 0,
                   .type_id = type_id});
  return OkStatus();
}

bool HasBothTexts(const std::vector<PairPart>& parts) {
  const auto count = [&](PairPart::Kind kind) {
    return std::count_if(parts.begin(), parts.end(),
                         [&](const PairPart& part) { return part.kind == kind; });
  };
  return count(PairPart::Kind::kFirst) == 1 && count(PairPart::Kind::kSecond) == 1;
}

StatusOr<std::vector<PairPart>> ParsePairTemplate(const JsonField& spec, const IsToken& is_token) {
  std::vector<PairPart> parts;
  const std::optional<JsonField> list = spec.Find("pair");
  if (!list) return parts;
  QUIRE_ASSIGN_OR_RETURN(const std::vector<JsonField> elements, list->Elements());
  for (const JsonField& element : elements) {
    QUIRE_RETURN_IF_ERROR(AppendPairParts(spec, element, is_token, parts));
  }
  if (!HasBothTexts(parts)) parts.clear();
  return parts;
}

StatusOr<SpecialTokenFrame> ParseTemplate(const JsonField& spec, const IsToken& is_token) {
  QUIRE_ASSIGN_OR_RETURN(const JsonField list, spec.Get("single"));
  QUIRE_ASSIGN_OR_RETURN(const std::vector<JsonField> elements, list.Elements());
  SpecialTokenFrame frame;
  bool seen_text = false;
  for (const JsonField& element : elements) {
    if (const auto special = element.Find("SpecialToken")) {
      QUIRE_RETURN_IF_ERROR(
          AppendSpecialToken(spec, *special, is_token, seen_text ? frame.after : frame.before));
    } else if (element.Find("Sequence") && !seen_text) {
      seen_text = true;
    } else {
      return element.Wanted("special tokens around one Sequence");
    }
  }
  QUIRE_ASSIGN_OR_RETURN(frame.pair, ParsePairTemplate(spec, is_token));
  return frame;
}

// [CLS] A [SEP] B [SEP] with types for BERT, <s> A </s></s> B </s> without for RoBERTa.
std::vector<PairPart> ClsSepPair(TokenId cls, TokenId sep, bool is_roberta) {
  using Kind = PairPart::Kind;
  const std::int32_t second = is_roberta ? 0 : 1;
  std::vector<PairPart> parts = {{.kind = Kind::kToken, .id = cls, .type_id = 0},
                                 {.kind = Kind::kFirst, .id = 0, .type_id = 0},
                                 {.kind = Kind::kToken, .id = sep, .type_id = 0}};
  if (is_roberta) parts.push_back({.kind = Kind::kToken, .id = sep, .type_id = 0});
  parts.push_back({.kind = Kind::kSecond, .id = 0, .type_id = second});
  parts.push_back({.kind = Kind::kToken, .id = sep, .type_id = second});
  return parts;
}

// BertProcessing and RobertaProcessing: {"cls": ["[CLS]", 101], "sep": ["[SEP]", 102]}.
StatusOr<SpecialTokenFrame> ParseClsSep(const JsonField& spec, const IsToken& is_token,
                                        bool is_roberta) {
  SpecialTokenFrame frame;
  for (const auto& [key, ids] : {std::pair("cls", &frame.before), std::pair("sep", &frame.after)}) {
    QUIRE_ASSIGN_OR_RETURN(const JsonField field, spec.Get(key));
    QUIRE_ASSIGN_OR_RETURN(const std::vector<JsonField> pair, field.Elements());
    if (pair.size() != 2) return field.Wanted("a token and its id");
    QUIRE_ASSIGN_OR_RETURN(const TokenId id, ParseTokenId(pair[1], is_token));
    ids->push_back(id);
  }
  frame.pair = ClsSepPair(frame.before.front(), frame.after.front(), is_roberta);
  return frame;
}

// Each processor puts its tokens around what the ones before it made.
StatusOr<SpecialTokenFrame> ParseSequence(const JsonField& spec, const IsToken& is_token) {
  QUIRE_ASSIGN_OR_RETURN(const JsonField list, spec.Get("processors"));
  QUIRE_ASSIGN_OR_RETURN(const std::vector<JsonField> elements, list.Elements());
  SpecialTokenFrame frame;
  for (const JsonField& element : elements) {
    QUIRE_ASSIGN_OR_RETURN(SpecialTokenFrame outer, ParsePostProcessor(element, is_token));
    frame.before.insert(frame.before.begin(), outer.before.begin(), outer.before.end());
    frame.after.insert(frame.after.end(), outer.after.begin(), outer.after.end());
    if (!outer.pair.empty()) frame.pair = std::move(outer.pair);
  }
  return frame;
}

}  // namespace

StatusOr<SpecialTokenFrame> ParsePostProcessor(const JsonField& spec, const IsToken& is_token) {
  QUIRE_ASSIGN_OR_RETURN(const JsonField type_field, spec.Get("type"));
  QUIRE_ASSIGN_OR_RETURN(const std::string type, type_field.String());
  if (type == "TemplateProcessing") return ParseTemplate(spec, is_token);
  if (type == "BertProcessing") return ParseClsSep(spec, is_token, /*is_roberta=*/false);
  if (type == "RobertaProcessing") return ParseClsSep(spec, is_token, /*is_roberta=*/true);
  if (type == "ByteLevel") return SpecialTokenFrame{};  // only trims offsets
  if (type == "Sequence") return ParseSequence(spec, is_token);
  return type_field.Wanted(
      "TemplateProcessing, BertProcessing, RobertaProcessing, ByteLevel or Sequence");
}

}  // namespace quire::engine
