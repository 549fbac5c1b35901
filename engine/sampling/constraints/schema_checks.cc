#include "engine/sampling/constraints/schema_checks.h"

#include <algorithm>
#include <cmath>
#include <iterator>
#include <map>
#include <set>
#include <utility>

namespace quire::engine::constraints {
namespace {

using Json = nlohmann::json;

std::span<const SchemaId> Alternatives(const SchemaGraph& graph, SchemaId id) {
  const auto* schema = std::get_if<UnionSchema>(&graph.at(id));
  return schema == nullptr ? std::span<const SchemaId>() : schema->alternatives;
}

// Equal values become equal texts: members in one order, 1.0 as 1.
Json Canonical(const nlohmann::ordered_json& value) {
  if (value.is_number_float() && std::abs(value.get<double>()) < 1e15 &&
      std::floor(value.get<double>()) == value.get<double>()) {
    return static_cast<std::int64_t>(value.get<double>());
  }
  if (!value.is_structured()) return Json(value);
  Json copy = value.is_object() ? Json::object() : Json::array();
  for (const auto& [key, member] : value.items()) {
    if (value.is_object()) {
      copy[key] = Canonical(member);
    } else {
      copy.push_back(Canonical(member));
    }
  }
  return copy;
}

using Texts = std::vector<std::string>;  // sorted

Texts CanonicalTexts(const LiteralSchema& literals) {
  Texts texts;
  for (const auto& value : literals.values) texts.push_back(Canonical(value).dump());
  std::sort(texts.begin(), texts.end());
  return texts;
}

bool HaveCommon(const Texts& a, const Texts& b) {
  Texts common;
  std::set_intersection(a.begin(), a.end(), b.begin(), b.end(), std::back_inserter(common));
  return !common.empty();
}

// What of a schema without alternatives tells it from others.
struct Traits {
  std::size_t kind = 0;               // index in the variant
  Texts literals;                     // of a LiteralSchema
  std::map<std::string, Texts> tags;  // of an ObjectSchema: required properties with few values
};

bool IsLiteralOfKind(const Traits& literal, const Traits& other) {
  const auto begins = [&](std::string_view starts) {
    return std::any_of(literal.literals.begin(), literal.literals.end(), [&](const auto& text) {
      return starts.find(text.front()) != std::string_view::npos;
    });
  };
  const Schema kinds[] = {NumberSchema(), StringSchema(), ArraySchema(), ObjectSchema()};
  const std::string_view starts[] = {"-0123456789", "\"", "[", "{"};
  for (std::size_t i = 0; i < std::size(kinds); ++i) {
    if (other.kind == kinds[i].index()) return begins(starts[i]);
  }
  return true;
}

bool AreDisjoint(const Traits& a, const Traits& b) {
  const std::size_t literal = Schema(LiteralSchema()).index();
  if (a.kind == literal && b.kind == literal) return !HaveCommon(a.literals, b.literals);
  if (a.kind == literal) return !IsLiteralOfKind(a, b);
  if (b.kind == literal) return !IsLiteralOfKind(b, a);
  if (a.kind != b.kind) return true;
  return std::any_of(a.tags.begin(), a.tags.end(), [&](const auto& tag) {
    const auto other = b.tags.find(tag.first);
    return other != b.tags.end() && !HaveCommon(tag.second, other->second);
  });
}

class TraitsOfGraph {
 public:
  explicit TraitsOfGraph(const SchemaGraph& graph) : graph_(graph) {}

  // Those of the schemas without alternatives that `id` leads to.
  std::vector<const Traits*> Leaves(SchemaId id) {
    std::vector<const Traits*> leaves;
    std::vector<SchemaId> left = {id};
    std::set<SchemaId> seen;
    while (!left.empty()) {
      const SchemaId next = left.back();
      left.pop_back();
      if (!seen.insert(next).second) continue;
      if (std::holds_alternative<UnionSchema>(graph_.at(next))) {
        const auto alternatives = Alternatives(graph_, next);
        left.insert(left.end(), alternatives.begin(), alternatives.end());
      } else {
        leaves.push_back(&Of(next));
      }
    }
    return leaves;
  }

 private:
  const Traits& Of(SchemaId id) {
    const auto [found, is_new] = traits_.try_emplace(id);
    if (!is_new) return found->second;
    const Schema& schema = graph_.at(id);
    Traits& traits = found->second;
    traits.kind = schema.index();
    if (const auto* literals = std::get_if<LiteralSchema>(&schema)) {
      traits.literals = CanonicalTexts(*literals);
    }
    const auto* object = std::get_if<ObjectSchema>(&schema);
    if (object == nullptr) return traits;
    for (const ObjectSchema::Property& property : object->properties) {
      const Schema& target = graph_.at(SkipAliases(graph_, property.schema));
      const auto* literals = std::get_if<LiteralSchema>(&target);
      if (property.is_required && literals != nullptr) {
        traits.tags[property.name] = CanonicalTexts(*literals);
      }
    }
    return traits;
  }

  const SchemaGraph& graph_;
  std::map<SchemaId, Traits> traits_;
};

bool AreDisjoint(const std::vector<const Traits*>& a, const std::vector<const Traits*>& b) {
  return std::all_of(a.begin(), a.end(), [&](const Traits* x) {
    return std::all_of(b.begin(), b.end(), [&](const Traits* y) { return AreDisjoint(*x, *y); });
  });
}

}  // namespace

SchemaId SkipAliases(const SchemaGraph& graph, SchemaId id) {
  while (Alternatives(graph, id).size() == 1) id = Alternatives(graph, id).front();
  return id;
}

Status CheckUnions(const SchemaGraph& graph, std::span<const std::string> pointers) {
  enum class Mark { kNew, kOpen, kDone };
  std::vector<Mark> marks(graph.schemas.size(), Mark::kNew);
  // Unions on the way down, each with the number of alternatives that were looked at.
  std::vector<std::pair<SchemaId, std::size_t>> path;
  for (std::size_t start = 0; start < graph.schemas.size(); ++start) {
    if (marks[start] == Mark::kNew) path.emplace_back(static_cast<SchemaId>(start), 0);
    while (!path.empty()) {
      auto& [id, next] = path.back();
      marks[static_cast<std::size_t>(id)] = Mark::kOpen;
      const auto alternatives = Alternatives(graph, id);
      if (next == alternatives.size()) {
        marks[static_cast<std::size_t>(id)] = Mark::kDone;
        path.pop_back();
        continue;
      }
      const SchemaId alternative = alternatives[next++];
      const Mark mark = marks[static_cast<std::size_t>(alternative)];
      if (mark == Mark::kOpen) {
        return InvalidArgument("{}: wanted a schema that is not defined by itself alone",
                               pointers[static_cast<std::size_t>(alternative)]);
      }
      if (mark == Mark::kNew) path.emplace_back(alternative, 0);
    }
  }
  return OkStatus();
}

Status CheckExclusive(const SchemaGraph& graph, std::span<const ExclusiveUnion> unions) {
  TraitsOfGraph traits(graph);
  for (const ExclusiveUnion& exclusive : unions) {
    std::vector<std::vector<const Traits*>> leaves;
    for (const SchemaId id : exclusive.alternatives) leaves.push_back(traits.Leaves(id));
    for (std::size_t i = 0; i < leaves.size(); ++i) {
      for (std::size_t j = i + 1; j < leaves.size(); ++j) {
        if (AreDisjoint(leaves[i], leaves[j])) continue;
        return InvalidArgument(
            "{}/{}: wanted a schema that differs from alternative {} in type or in the const of a "
            "required property; use anyOf",
            exclusive.pointer, j, i);
      }
    }
  }
  return OkStatus();
}

}  // namespace quire::engine::constraints
