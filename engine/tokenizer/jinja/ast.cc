#include "engine/tokenizer/jinja/ast.h"

#include <algorithm>

namespace quire::engine::jinja {
namespace {

// The depth of the deepest expression below a node.
struct ChildDepth {
  static int Of(const ExpressionPtr& child) { return child == nullptr ? 0 : child->depth; }
  static int Of(const std::vector<ExpressionPtr>& children) {
    int depth = 0;
    for (const ExpressionPtr& child : children) depth = std::max(depth, Of(child));
    return depth;
  }
  template <typename First>
  static int Of(const std::vector<std::pair<First, ExpressionPtr>>& children) {
    int depth = 0;
    for (const auto& child : children) depth = std::max(depth, Of(child.second));
    return depth;
  }
  static int Of(const CallArguments& arguments) {
    return std::max({Of(arguments.positional), Of(arguments.keyword), Of(arguments.star),
                     Of(arguments.double_star)});
  }

  int operator()(const TextLiteral&) const { return 0; }
  int operator()(const Constant&) const { return 0; }
  int operator()(const Name&) const { return 0; }
  int operator()(const SequenceDisplay& node) const { return Of(node.items); }
  int operator()(const DictDisplay& node) const {
    int depth = 0;
    for (const auto& [key, value] : node.entries) depth = std::max({depth, Of(key), Of(value)});
    return depth;
  }
  int operator()(const Negation& node) const { return Of(node.operand); }
  int operator()(const Not& node) const { return Of(node.operand); }
  int operator()(const Binary& node) const { return std::max(Of(node.left), Of(node.right)); }
  int operator()(const Concatenation& node) const { return Of(node.parts); }
  int operator()(const Comparison& node) const { return std::max(Of(node.first), Of(node.rest)); }
  int operator()(const Logical& node) const { return std::max(Of(node.left), Of(node.right)); }
  int operator()(const Conditional& node) const {
    return std::max({Of(node.condition), Of(node.if_true), Of(node.if_false)});
  }
  int operator()(const Attribute& node) const { return Of(node.object); }
  int operator()(const Subscript& node) const { return std::max(Of(node.object), Of(node.key)); }
  int operator()(const SliceOf& node) const {
    return std::max({Of(node.object), Of(node.start), Of(node.stop), Of(node.step)});
  }
  int operator()(const Call& node) const { return std::max(Of(node.callee), Of(node.arguments)); }
  int operator()(const FilterCall& node) const {
    return std::max(Of(node.input), Of(node.arguments));
  }
  int operator()(const TestCall& node) const {
    return std::max(Of(node.subject), Of(node.arguments));
  }
};

}  // namespace

int DepthOf(const decltype(Expression::node)& node) { return 1 + std::visit(ChildDepth(), node); }

}  // namespace quire::engine::jinja
