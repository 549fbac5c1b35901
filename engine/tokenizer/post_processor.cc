#include "engine/tokenizer/post_processor.h"

#include <string>

namespace quire::engine {
namespace {

using IsToken = std::function<bool(TokenId)>;

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
  return frame;
}

// BertProcessing and RobertaProcessing: {"cls": ["[CLS]", 101], "sep": ["[SEP]", 102]}.
StatusOr<SpecialTokenFrame> ParseClsSep(const JsonField& spec, const IsToken& is_token) {
  SpecialTokenFrame frame;
  for (const auto& [key, ids] : {std::pair("cls", &frame.before), std::pair("sep", &frame.after)}) {
    QUIRE_ASSIGN_OR_RETURN(const JsonField field, spec.Get(key));
    QUIRE_ASSIGN_OR_RETURN(const std::vector<JsonField> pair, field.Elements());
    if (pair.size() != 2) return field.Wanted("a token and its id");
    QUIRE_ASSIGN_OR_RETURN(const TokenId id, ParseTokenId(pair[1], is_token));
    ids->push_back(id);
  }
  return frame;
}

// Each processor puts its tokens around what the ones before it made.
StatusOr<SpecialTokenFrame> ParseSequence(const JsonField& spec, const IsToken& is_token) {
  QUIRE_ASSIGN_OR_RETURN(const JsonField list, spec.Get("processors"));
  QUIRE_ASSIGN_OR_RETURN(const std::vector<JsonField> elements, list.Elements());
  SpecialTokenFrame frame;
  for (const JsonField& element : elements) {
    QUIRE_ASSIGN_OR_RETURN(const SpecialTokenFrame outer, ParsePostProcessor(element, is_token));
    frame.before.insert(frame.before.begin(), outer.before.begin(), outer.before.end());
    frame.after.insert(frame.after.end(), outer.after.begin(), outer.after.end());
  }
  return frame;
}

}  // namespace

StatusOr<SpecialTokenFrame> ParsePostProcessor(const JsonField& spec, const IsToken& is_token) {
  QUIRE_ASSIGN_OR_RETURN(const JsonField type_field, spec.Get("type"));
  QUIRE_ASSIGN_OR_RETURN(const std::string type, type_field.String());
  if (type == "TemplateProcessing") return ParseTemplate(spec, is_token);
  if (type == "BertProcessing" || type == "RobertaProcessing") return ParseClsSep(spec, is_token);
  if (type == "ByteLevel") return SpecialTokenFrame{};  // only trims offsets
  if (type == "Sequence") return ParseSequence(spec, is_token);
  return type_field.Wanted(
      "TemplateProcessing, BertProcessing, RobertaProcessing, ByteLevel or Sequence");
}

}  // namespace quire::engine
