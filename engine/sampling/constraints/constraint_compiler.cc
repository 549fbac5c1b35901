#include "engine/sampling/constraints/constraint_compiler.h"

#include <fmt/format.h>

#include <utility>

#include "base/utf8.h"
#include "engine/sampling/constraints/characters.h"
#include "engine/sampling/constraints/determinizer.h"
#include "engine/sampling/constraints/schema_nfa.h"
#include "engine/sampling/constraints/schema_parser.h"

namespace quire::engine {
namespace {

using constraints::Automaton;
using constraints::CompileBudget;
using constraints::Nfa;
using constraints::SchemaReuse;

// The constraints of one vocabulary as automata, each under the name of its field.
class AutomatonCompiler {
 public:
  AutomatonCompiler(const std::bitset<256>& single_bytes, CompileBudget& budget)
      : single_bytes_(single_bytes), budget_(budget) {}

  StatusOr<Automaton> operator()(std::monostate) const { return Internal("constraint: have none"); }
  StatusOr<Automaton> operator()(const ChoiceConstraint& choice) const {
    QUIRE_RETURN_IF_ERROR(Validate(choice));
    return Named("constraint.choice", Compile(choice));
  }
  StatusOr<Automaton> operator()(const RegexConstraint& regex) const {
    return Named("constraint.regex", Compile(regex));
  }
  StatusOr<Automaton> operator()(const JsonSchemaConstraint& schema) const {
    return Named("constraint.json_schema", Compile(schema));
  }

 private:
  static StatusOr<Automaton> Named(const char* field, StatusOr<Automaton> automaton) {
    if (automaton.ok()) return automaton;
    return InvalidArgument("{}: {}", field, Message(automaton.status()));
  }

  static Status Validate(const ChoiceConstraint& choice) {
    if (choice.choices.empty() || choice.choices.size() > kMaxChoices) {
      return InvalidArgument("constraint.choice: wanted 1 to {} strings, have {}", kMaxChoices,
                             choice.choices.size());
    }
    std::size_t bytes = 0;
    for (std::size_t i = 0; i < choice.choices.size(); ++i) {
      const std::string& text = choice.choices[i];
      bytes += text.size();
      if (text.empty() || FindInvalidUtf8(text) != text.size()) {
        return InvalidArgument("constraint.choice[{}]: wanted UTF-8 text that is not empty", i);
      }
    }
    if (bytes <= kMaxConstraintBytes) return OkStatus();
    return InvalidArgument("constraint.choice: wanted at most {} bytes, have {}",
                           kMaxConstraintBytes, bytes);
  }

  StatusOr<Automaton> Compile(const ChoiceConstraint& choice) const {
    Nfa nfa(budget_);
    const constraints::RuleId root = nfa.AddRule();
    for (const std::string& text : choice.choices) {
      nfa.AddLiteral(nfa.rule(root).begin, text, nfa.rule(root).end);
    }
    return Determinize(nfa, root, single_bytes_);
  }

  StatusOr<Automaton> Compile(const RegexConstraint& regex) const {
    if (const std::size_t valid = FindInvalidUtf8(regex.pattern); valid < regex.pattern.size()) {
      return InvalidArgument("byte {}: wanted UTF-8", valid);
    }
    QUIRE_ASSIGN_OR_RETURN(const auto branches, constraints::ParseRegex(regex.pattern));
    Nfa nfa(budget_);
    const constraints::RuleId root = nfa.AddRule();
    AddWholeMatch(branches, constraints::Spelling::kUtf8, nfa.rule(root).begin, nfa.rule(root).end,
                  nfa);
    return Determinize(nfa, root, single_bytes_);
  }

  StatusOr<Automaton> Compile(const JsonSchemaConstraint& schema) const {
    if (schema.schema.size() > kMaxConstraintBytes) {
      return InvalidArgument("wanted at most {} bytes, have {}", kMaxConstraintBytes,
                             schema.schema.size());
    }
    QUIRE_ASSIGN_OR_RETURN(const auto graph, constraints::ParseSchema(schema.schema));
    StatusOr<Automaton> automaton = Compile(graph, SchemaReuse::kCall);
    if (!absl::IsFailedPrecondition(automaton.status())) return automaton;
    return Compile(graph, SchemaReuse::kCopy);
  }

  StatusOr<Automaton> Compile(const constraints::SchemaGraph& graph, SchemaReuse reuse) const {
    Nfa nfa(budget_);
    const constraints::RuleId root = AddSchema(graph, reuse, nfa);
    return Determinize(nfa, root, single_bytes_);
  }

  const std::bitset<256>& single_bytes_;
  CompileBudget& budget_;
};

// Equal for equal constraints, and for no others.
std::string CacheKey(const ConstraintSpec& spec) {
  std::string key = fmt::format("{}", spec.index());
  if (const auto* choice = std::get_if<ChoiceConstraint>(&spec)) {
    for (const std::string& text : choice->choices) key += fmt::format(":{}:{}", text.size(), text);
  } else if (const auto* regex = std::get_if<RegexConstraint>(&spec)) {
    key += regex->pattern;
  } else if (const auto* schema = std::get_if<JsonSchemaConstraint>(&spec)) {
    key += schema->schema;
  }
  return key;
}

// True if the texts of `spec` are short enough to be kept as a key.
bool IsSmall(const ConstraintSpec& spec) {
  if (const auto* regex = std::get_if<RegexConstraint>(&spec)) {
    return regex->pattern.size() <= constraints::kMaxRegexBytes;
  }
  if (const auto* schema = std::get_if<JsonSchemaConstraint>(&spec)) {
    return schema->schema.size() <= kMaxConstraintBytes;
  }
  std::size_t bytes = 0;
  const auto* choice = std::get_if<ChoiceConstraint>(&spec);
  for (const std::string& text : choice->choices) bytes += text.size();
  return choice->choices.size() <= kMaxChoices && bytes <= kMaxConstraintBytes;
}

}  // namespace

ConstraintCompiler::ConstraintCompiler(const Tokenizer& tokenizer, std::int32_t vocab_size,
                                       std::vector<TokenId> end_tokens,
                                       const constraints::CompileLimits& limits)
    : tokenizer_(tokenizer),
      vocab_size_(vocab_size),
      end_tokens_(std::move(end_tokens)),
      limits_(limits) {}

const std::shared_ptr<const constraints::VocabularyTrie>& ConstraintCompiler::Vocabulary() {
  std::call_once(vocabulary_once_, [this] {
    vocabulary_ =
        std::make_shared<const constraints::VocabularyTrie>(tokenizer_, vocab_size_, end_tokens_);
  });
  return vocabulary_;
}

ConstraintCompiler::Result ConstraintCompiler::CompileNow(const ConstraintSpec& spec) {
  const auto& vocabulary = Vocabulary();
  CompileBudget budget(limits_);
  QUIRE_ASSIGN_OR_RETURN(Automaton automaton,
                         std::visit(AutomatonCompiler(vocabulary->single_bytes(), budget), spec));
  return std::make_shared<const Constraint>(std::move(automaton), vocabulary);
}

ConstraintCompiler::Result ConstraintCompiler::Compile(const ConstraintSpec& spec) {
  if (std::holds_alternative<std::monostate>(spec)) return nullptr;
  if (!IsSmall(spec)) return CompileNow(spec);  // which refuses it
  const std::shared_ptr<Entry> entry = EntryOf(CacheKey(spec));
  const std::lock_guard lock(entry->mutex);
  if (!entry->result) {
    entry->result = CompileNow(spec);
    Settle(*entry, *entry->result);
  }
  return *entry->result;
}

std::shared_ptr<ConstraintCompiler::Entry> ConstraintCompiler::EntryOf(std::string key) {
  const std::lock_guard lock(mutex_);
  const auto found = index_.find(key);
  if (found != index_.end()) {
    entries_.splice(entries_.begin(), entries_, found->second);
    return entries_.front();
  }
  auto entry = std::make_shared<Entry>();
  entry->key = std::move(key);
  entries_.push_front(entry);
  index_[entry->key] = entries_.begin();
  return entry;
}

void ConstraintCompiler::Settle(Entry& entry, const Result& result) {
  const std::lock_guard lock(mutex_);
  const auto found = index_.find(entry.key);
  // Others may have taken its place meanwhile.
  if (found == index_.end() || found->second->get() != &entry) return;
  if (!result.ok()) return Erase(found->second);
  entry.num_bytes = (*result)->automaton().num_bytes() + entry.key.size();
  num_bytes_ += entry.num_bytes;
  while (entries_.size() > 1 && (entries_.size() > kMaxCached || num_bytes_ > kMaxCachedBytes)) {
    Erase(std::prev(entries_.end()));
  }
}

void ConstraintCompiler::Erase(Entries::iterator entry) {
  num_bytes_ -= (*entry)->num_bytes;
  index_.erase((*entry)->key);  // before the key itself goes
  entries_.erase(entry);
}

std::size_t ConstraintCompiler::num_cached() const {
  const std::lock_guard lock(mutex_);
  return entries_.size();
}

}  // namespace quire::engine
