#include "engine/sampling/constraints/other_names.h"

#include <map>
#include <vector>

#include "base/utf8.h"
#include "engine/sampling/constraints/characters.h"

namespace quire::engine::constraints {
namespace {

// The names as a tree of characters. Nodes by index; 0 is the root.
struct NameTree {
  struct Node {
    std::map<char32_t, std::size_t> children;
    bool is_name = false;
  };
  std::vector<Node> nodes{1};

  void Insert(std::string_view name) {
    std::size_t at = 0;
    for (std::size_t i = 0; i < name.size();) {
      const DecodedChar c = DecodeUtf8(name, i);
      i += static_cast<std::size_t>(c.length_bytes);
      const auto [child, is_new] = nodes[at].children.try_emplace(c.code_point, nodes.size());
      at = child->second;
      if (is_new) nodes.emplace_back();
    }
    nodes[at].is_name = true;
  }
};

}  // namespace

void AddOtherNames(std::span<const std::string> names, NodeId from, NodeId to, Nfa& nfa) {
  NameTree tree;
  for (const std::string& name : names) tree.Insert(name);
  const CodePointSet plain = PlainJsonCharacters();
  // Where no name can follow any more.
  const NodeId free = nfa.AddNode();
  AddCharacters(plain, Spelling::kUtf8, free, free, nfa);
  nfa.AddLiteral(free, "\"", to);

  std::vector<NodeId> places;
  for (std::size_t i = 0; i < tree.nodes.size(); ++i) places.push_back(nfa.AddNode());
  nfa.AddLiteral(from, "\"", places[0]);
  for (std::size_t i = 0; i < tree.nodes.size() && !nfa.budget().exhausted(); ++i) {
    std::vector<CodePointSet::Range> taken;
    for (const auto& [c, child] : tree.nodes[i].children) {
      taken.push_back({c, c});
      AddCharacters(CodePointSet({{c, c}}).And(plain), Spelling::kUtf8, places[i], places[child],
                    nfa);
    }
    AddCharacters(plain.Without(CodePointSet(std::move(taken))), Spelling::kUtf8, places[i], free,
                  nfa);
    if (!tree.nodes[i].is_name) nfa.AddLiteral(places[i], "\"", to);
  }
}

}  // namespace quire::engine::constraints
