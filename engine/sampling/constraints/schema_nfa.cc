#include "engine/sampling/constraints/schema_nfa.h"

#include <algorithm>
#include <deque>
#include <map>
#include <optional>
#include <string>
#include <utility>

#include "engine/sampling/constraints/characters.h"
#include "engine/sampling/constraints/decimal_range.h"
#include "engine/sampling/constraints/other_names.h"

namespace quire::engine::constraints {
namespace {

constexpr int kMaxIndent = 16;
// Copies of a character that are cheaper than calls.
constexpr std::int32_t kMaxCharacterCopies = 16;
// Schemas copied into each other; deeper ones are called, so that our own stack is bounded.
constexpr std::size_t kMaxCopyDepth = 200;

// Enough for any integer that 64 bits hold, and no number that a double does not.
constexpr char kAnyInteger[] = "-?(0|[1-9][0-9]{0,17})";
constexpr char kAnyNumber[] = "-?(0|[1-9][0-9]{0,17})(\\.[0-9]{1,17})?([eE][+-]?[0-9]{1,2})?";

class SchemaNfa {
 public:
  SchemaNfa(const SchemaGraph& graph, SchemaReuse reuse, Nfa& nfa)
      : graph_(graph), reuse_(reuse), nfa_(nfa) {}

  RuleId Build() {
    const RuleId root = RuleOf(SkipAliases(graph_, graph_.root));
    while (!unbuilt_.empty() && !nfa_.budget().exhausted()) {
      const SchemaId id = unbuilt_.front();
      unbuilt_.pop_front();
      const Nfa::Rule rule = nfa_.rule(rules_.at(id));
      AddCopy(id, rule.begin, rule.end);
    }
    return root;
  }

 private:
  // The rule of a schema, which is built later.
  RuleId RuleOf(SchemaId id);
  // A value of schema `id`, as a call or a copy; `repeated` if there will be many like it.
  void AddValue(SchemaId id, bool repeated, NodeId from, NodeId to);
  // A value of schema `id`, as a copy unless it is inside one of itself.
  void AddCopy(SchemaId id, NodeId from, NodeId to);

  void Add(const UnionSchema& schema, NodeId from, NodeId to);
  void Add(const LiteralSchema& schema, NodeId from, NodeId to);
  void Add(const NumberSchema& schema, NodeId from, NodeId to);
  void Add(const StringSchema& schema, NodeId from, NodeId to);
  void Add(const ArraySchema& schema, NodeId from, NodeId to);
  void Add(const ObjectSchema& schema, NodeId from, NodeId to);

  void AddRegexText(const char* pattern, NodeId from, NodeId to);
  void AddCharacterCopy(bool many, NodeId from, NodeId to);
  // "name": value
  void AddProperty(const ObjectSchema::Property& property, NodeId from, NodeId to);
  void AddAdditionalProperty(const ObjectSchema& schema, NodeId from, NodeId to);
  // White space, or nothing.
  void AddSpace(NodeId from, NodeId to);
  // A comma and white space.
  void AddComma(NodeId from, NodeId to);
  RuleId SpaceRule();
  RuleId CharacterRule();

  const SchemaGraph& graph_;
  const SchemaReuse reuse_;
  Nfa& nfa_;
  std::map<SchemaId, RuleId> rules_;
  std::deque<SchemaId> unbuilt_;
  std::vector<SchemaId> open_;  // schemas that are being copied, from the rule inwards
  std::optional<RuleId> space_;
  std::optional<RuleId> character_;
};

RuleId SchemaNfa::RuleOf(SchemaId id) {
  const auto found = rules_.find(id);
  if (found != rules_.end()) return found->second;
  unbuilt_.push_back(id);
  return rules_[id] = nfa_.AddRule();
}

void SchemaNfa::AddValue(SchemaId id, bool repeated, NodeId from, NodeId to) {
  id = SkipAliases(graph_, id);
  const bool is_shared = repeated || graph_.is_shared[static_cast<std::size_t>(id)];
  if (reuse_ == SchemaReuse::kCall && is_shared) return nfa_.AddCall(from, RuleOf(id), to);
  AddCopy(id, from, to);
}

void SchemaNfa::AddCopy(SchemaId id, NodeId from, NodeId to) {
  if (!nfa_.budget().Spend(1)) return;
  id = SkipAliases(graph_, id);
  const bool is_open = std::find(open_.begin(), open_.end(), id) != open_.end();
  if (is_open || open_.size() >= kMaxCopyDepth) return nfa_.AddCall(from, RuleOf(id), to);
  open_.push_back(id);
  std::visit([&](const auto& schema) { Add(schema, from, to); }, graph_.at(id));
  open_.pop_back();
}

void SchemaNfa::Add(const UnionSchema& schema, NodeId from, NodeId to) {
  // Copies: one byte need not tell alternatives apart.
  for (const SchemaId id : schema.alternatives) AddCopy(id, from, to);
}

void SchemaNfa::Add(const LiteralSchema& schema, NodeId from, NodeId to) {
  for (const auto& value : schema.values) nfa_.AddLiteral(from, value.dump(), to);
}

void SchemaNfa::AddRegexText(const char* pattern, NodeId from, NodeId to) {
  AddWholeMatch(ParseRegex(pattern).value(), Spelling::kUtf8, from, to, nfa_);
}

void SchemaNfa::Add(const NumberSchema& schema, NodeId from, NodeId to) {
  if (!schema.min && !schema.max) {
    return AddRegexText(schema.is_integer ? kAnyInteger : kAnyNumber, from, to);
  }
  AddDecimals(std::max(schema.min.value_or(-kMaxDecimalUnits), -kMaxDecimalUnits),
              std::min(schema.max.value_or(kMaxDecimalUnits), kMaxDecimalUnits),
              schema.is_integer ? 0 : NumberSchema::kFractionDigits, from, to, nfa_);
}

void SchemaNfa::AddCharacterCopy(bool many, NodeId from, NodeId to) {
  if (many && reuse_ == SchemaReuse::kCall) return nfa_.AddCall(from, CharacterRule(), to);
  AddAnyJsonCharacter(from, to, nfa_);
}

void SchemaNfa::Add(const StringSchema& schema, NodeId from, NodeId to) {
  NodeId at = nfa_.AddNode();
  nfa_.AddLiteral(from, "\"", at);
  const NodeId end = nfa_.AddNode();
  nfa_.AddLiteral(end, "\"", to);
  if (schema.is_whole) return AddWholeMatch(schema.pattern, Spelling::kJson, at, end, nfa_);
  if (!schema.pattern.empty()) return AddJsonSearch(schema.pattern, at, end, nfa_);
  const std::int32_t length = schema.max_length.value_or(schema.min_length);
  for (std::int32_t i = 0; i < length && !nfa_.budget().exhausted(); ++i) {
    if (i >= schema.min_length) nfa_.AddEpsilon(at, end);
    const NodeId next = nfa_.AddNode();
    AddCharacterCopy(length > kMaxCharacterCopies, at, next);
    at = next;
  }
  if (!schema.max_length) AddCharacterCopy(/*many=*/false, at, at);
  nfa_.AddEpsilon(at, end);
}

// Items so far decide what may come: `at` is the place after that many.
void SchemaNfa::Add(const ArraySchema& schema, NodeId from, NodeId to) {
  const NodeId end = nfa_.AddNode();
  nfa_.AddLiteral(end, "]", to);
  const NodeId first = nfa_.AddNode();
  const NodeId open = nfa_.AddNode();
  nfa_.AddLiteral(from, "[", open);
  AddSpace(open, first);
  if (schema.min_items == 0) nfa_.AddEpsilon(first, end);

  const auto num_prefix = static_cast<std::int32_t>(schema.prefix.size());
  const std::int32_t last =
      schema.max_items.value_or(std::max({num_prefix + 1, schema.min_items, 1}));
  NodeId item = nfa_.AddNode();  // the place of an item, with nothing but an item
  nfa_.AddEpsilon(first, item);
  for (std::int32_t i = 0; i < last && !nfa_.budget().exhausted(); ++i) {
    if (i >= num_prefix && !schema.items) return;
    const NodeId after = nfa_.AddNode();
    AddValue(i < num_prefix ? schema.prefix[static_cast<std::size_t>(i)] : *schema.items,
             /*repeated=*/last > num_prefix + 1, item, after);
    if (i + 1 >= schema.min_items) AddSpace(after, end);
    if (i + 1 < last) {
      item = nfa_.AddNode();
      AddComma(after, item);
    } else if (!schema.max_items) {
      AddComma(after, item);  // the last item again
    }
  }
}

void SchemaNfa::AddProperty(const ObjectSchema::Property& property, NodeId from, NodeId to) {
  const NodeId colon = nfa_.AddNode();
  const NodeId value = nfa_.AddNode();
  nfa_.AddLiteral(from, nlohmann::ordered_json(property.name).dump() + ":", colon);
  AddSpace(colon, value);
  AddValue(property.schema, /*repeated=*/false, value, to);
}

void SchemaNfa::AddAdditionalProperty(const ObjectSchema& schema, NodeId from, NodeId to) {
  std::vector<std::string> names;
  for (const ObjectSchema::Property& property : schema.properties) names.push_back(property.name);
  const NodeId name_end = nfa_.AddNode();
  if (names.empty()) {
    Add(StringSchema(), from, name_end);
  } else {
    AddOtherNames(names, from, name_end, nfa_);
  }
  const NodeId colon = nfa_.AddNode();
  const NodeId value = nfa_.AddNode();
  nfa_.AddLiteral(name_end, ":", colon);
  AddSpace(colon, value);
  AddValue(*schema.additional, /*repeated=*/false, value, to);
}

// Two places before each property: `first` while none is written, `later` after one.
void SchemaNfa::Add(const ObjectSchema& schema, NodeId from, NodeId to) {
  const NodeId end = nfa_.AddNode();
  nfa_.AddLiteral(end, "}", to);
  NodeId first = nfa_.AddNode();
  const NodeId open = nfa_.AddNode();
  nfa_.AddLiteral(from, "{", open);
  AddSpace(open, first);
  NodeId later = nfa_.AddNode();
  for (const ObjectSchema::Property& property : schema.properties) {
    if (nfa_.budget().exhausted()) return;
    const NodeId name = nfa_.AddNode();
    const NodeId next_first = nfa_.AddNode();
    const NodeId next_later = nfa_.AddNode();
    nfa_.AddEpsilon(first, name);
    AddComma(later, name);
    AddProperty(property, name, next_later);
    if (!property.is_required) {
      nfa_.AddEpsilon(first, next_first);
      nfa_.AddEpsilon(later, next_later);
    }
    first = next_first;
    later = next_later;
  }
  if (schema.additional) {
    const NodeId name = nfa_.AddNode();
    nfa_.AddEpsilon(first, name);
    AddComma(later, name);
    AddAdditionalProperty(schema, name, later);
  }
  nfa_.AddEpsilon(first, end);
  AddSpace(later, end);
}

void SchemaNfa::AddSpace(NodeId from, NodeId to) {
  nfa_.AddEpsilon(from, to);
  nfa_.AddCall(from, SpaceRule(), to);
}

void SchemaNfa::AddComma(NodeId from, NodeId to) {
  const NodeId space = nfa_.AddNode();
  nfa_.AddLiteral(from, ",", space);
  AddSpace(space, to);
}

RuleId SchemaNfa::SpaceRule() {
  if (space_) return *space_;
  space_ = nfa_.AddRule();
  const Nfa::Rule rule = nfa_.rule(*space_);
  nfa_.AddLiteral(rule.begin, " ", rule.end);
  NodeId at = nfa_.AddNode();
  nfa_.AddLiteral(rule.begin, "\n", at);
  for (int i = 0; i < kMaxIndent; ++i) {
    const NodeId next = nfa_.AddNode();
    nfa_.AddEpsilon(at, rule.end);
    nfa_.AddLiteral(at, " ", next);
    at = next;
  }
  nfa_.AddEpsilon(at, rule.end);
  return *space_;
}

RuleId SchemaNfa::CharacterRule() {
  if (character_) return *character_;
  character_ = nfa_.AddRule();
  const Nfa::Rule rule = nfa_.rule(*character_);
  AddAnyJsonCharacter(rule.begin, rule.end, nfa_);
  return *character_;
}

}  // namespace

RuleId AddSchema(const SchemaGraph& graph, SchemaReuse reuse, Nfa& nfa) {
  return SchemaNfa(graph, reuse, nfa).Build();
}

}  // namespace quire::engine::constraints
