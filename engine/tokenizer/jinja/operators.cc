#include "engine/tokenizer/jinja/operators.h"

#include <algorithm>

#include "base/utf8.h"
#include "engine/tokenizer/jinja/characters.h"
#include "engine/tokenizer/jinja/runtime.h"

namespace quire::engine::jinja {
namespace {

using Kind = Value::Kind;

bool NumbersEqual(const Value& a, const Value& b) {
  if (a.is_integral() && b.is_integral()) return a.integer() == b.integer();
  return a.number() == b.number();
}

StatusOr<bool> SequencesEqual(const Sequence& a, const Sequence& b, Budget& budget) {
  if (a.kind != b.kind || a.items.size() != b.items.size()) return false;
  for (std::size_t i = 0; i < a.items.size(); ++i) {
    QUIRE_ASSIGN_OR_RETURN(const bool equal, Equal(a.items[i], b.items[i], budget));
    if (!equal) return false;
  }
  return true;
}

StatusOr<bool> DictsEqual(const Dict& a, const Dict& b, Budget& budget) {
  if (a.size() != b.size()) return false;
  for (const auto& [key, value] : a.entries()) {
    const Value* other = b.Find(key);
    if (other == nullptr) return false;
    QUIRE_ASSIGN_OR_RETURN(const bool equal, Equal(value, *other, budget));
    if (!equal) return false;
  }
  return true;
}

// Lists and tuples compare by their first difference.
StatusOr<bool> SequenceLess(const Sequence& a, const Sequence& b, Budget& budget) {
  const Nesting nesting(budget);
  QUIRE_RETURN_IF_ERROR(nesting.status());
  const std::size_t shared = std::min(a.items.size(), b.items.size());
  for (std::size_t i = 0; i < shared; ++i) {
    QUIRE_ASSIGN_OR_RETURN(const bool equal, Equal(a.items[i], b.items[i], budget));
    if (!equal) return Less(a.items[i], b.items[i], budget);
  }
  return a.items.size() < b.items.size();
}

}  // namespace

bool Truth(const Value& value) {
  switch (value.kind()) {
    case Kind::kUndefined:
    case Kind::kNone:
      return false;
    case Kind::kBool:
    case Kind::kInteger:
      return value.integer() != 0;
    case Kind::kFloat:
      return value.number() != 0;
    case Kind::kText:
      return !value.text().empty();
    case Kind::kSequence:
      return value.sequence().kind == Sequence::Kind::kGenerator || !value.sequence().items.empty();
    case Kind::kDict:
      return value.dict().size() > 0;
    case Kind::kNamespace:
    case Kind::kCallable:
    case Kind::kLoop:
      return true;
  }
  return false;
}

StatusOr<bool> Equal(const Value& a, const Value& b, Budget& budget) {
  QUIRE_RETURN_IF_ERROR(budget.Step());
  if (a.is_number() && b.is_number()) return NumbersEqual(a, b);
  if (a.kind() != b.kind()) return false;
  switch (a.kind()) {
    case Kind::kUndefined:
    case Kind::kNone:
      return true;
    case Kind::kText:
      QUIRE_RETURN_IF_ERROR(budget.Bytes(std::min(a.text().size(), b.text().size())));
      return a.text().bytes() == b.text().bytes();
    case Kind::kSequence: {
      const Nesting nesting(budget);
      QUIRE_RETURN_IF_ERROR(nesting.status());
      return SequencesEqual(a.sequence(), b.sequence(), budget);
    }
    case Kind::kDict: {
      const Nesting nesting(budget);
      QUIRE_RETURN_IF_ERROR(nesting.status());
      return DictsEqual(a.dict(), b.dict(), budget);
    }
    default:
      return a.SameAs(b);
  }
}

bool KeysEqual(const Value& a, const Value& b) {
  if (a.is_number() && b.is_number()) return NumbersEqual(a, b);
  if (a.kind() != b.kind()) return false;
  if (a.is_text()) return a.text().bytes() == b.text().bytes();
  if (!a.is(Kind::kSequence)) return a.SameAs(b);
  const auto& left = a.sequence().items;
  const auto& right = b.sequence().items;
  return std::equal(left.begin(), left.end(), right.begin(), right.end(), KeysEqual);
}

StatusOr<bool> Less(const Value& a, const Value& b, Budget& budget) {
  QUIRE_RETURN_IF_ERROR(budget.Step());
  if (a.is_integral() && b.is_integral()) return a.integer() < b.integer();
  if (a.is_number() && b.is_number()) return a.number() < b.number();
  if (a.is_text() && b.is_text()) {
    // The order of UTF-8 bytes is the order of code points.
    QUIRE_RETURN_IF_ERROR(budget.Bytes(std::min(a.text().size(), b.text().size())));
    return a.text().bytes() < b.text().bytes();
  }
  if (a.is(Kind::kSequence) && b.is(Kind::kSequence) && a.sequence().kind == b.sequence().kind) {
    return SequenceLess(a.sequence(), b.sequence(), budget);
  }
  if (a.is_undefined()) return InvalidArgument("{}", a.UndefinedMessage());
  if (b.is_undefined()) return InvalidArgument("{}", b.UndefinedMessage());
  return InvalidArgument("comparison: wanted values with an order, have {} and {}", TypeName(a),
                         TypeName(b));
}

StatusOr<bool> Contains(const Value& container, const Value& item, Budget& budget) {
  switch (container.kind()) {
    case Kind::kUndefined:
      return false;
    case Kind::kText:
      if (!item.is_text()) {
        return InvalidArgument("in: wanted a string to search for, have {}", TypeName(item));
      }
      QUIRE_RETURN_IF_ERROR(budget.Bytes(container.text().size()));
      return container.text().view().find(item.text().view()) != std::string_view::npos;
    case Kind::kSequence:
      for (const Value& element : container.sequence().items) {
        QUIRE_ASSIGN_OR_RETURN(const bool equal, Equal(element, item, budget));
        if (equal) return true;
      }
      return false;
    case Kind::kDict:
      QUIRE_RETURN_IF_ERROR(CheckHashable(item));
      return container.dict().Find(item) != nullptr;
    default:
      return InvalidArgument("in: wanted a container, have {}", TypeName(container));
  }
}

StatusOr<std::int64_t> Length(const Value& value) {
  switch (value.kind()) {
    case Kind::kUndefined:
      return 0;
    case Kind::kText:
      return static_cast<std::int64_t>(CountUtf8Characters(value.text().view()));
    case Kind::kSequence:
      if (value.sequence().kind != Sequence::Kind::kGenerator) {
        return static_cast<std::int64_t>(value.sequence().items.size());
      }
      break;
    case Kind::kDict:
      return static_cast<std::int64_t>(value.dict().size());
    default:
      break;
  }
  return InvalidArgument("length: wanted a string or container, have {}", TypeName(value));
}

StatusOr<std::vector<Value>> Iterate(const Value& value, Runtime& runtime) {
  std::vector<Value> items;
  switch (value.kind()) {
    case Kind::kUndefined:
      return items;
    case Kind::kSequence:
      items = value.sequence().items;
      if (value.sequence().kind == Sequence::Kind::kGenerator) value.sequence().items.clear();
      break;
    case Kind::kDict:
      for (const Dict::Entry& entry : value.dict().entries()) items.push_back(entry.first);
      break;
    case Kind::kText: {
      const Text& text = value.text();
      for (std::size_t at = 0; at < text.size();) {
        const std::size_t end = NextCharacter(text.view(), at);
        QUIRE_ASSIGN_OR_RETURN(const Value item, runtime.arena().NewText(text.Slice(at, end)));
        items.push_back(item);
        at = end;
      }
      break;
    }
    default:
      return InvalidArgument("iteration: wanted a container, have {}", TypeName(value));
  }
  QUIRE_RETURN_IF_ERROR(runtime.budget().Bytes(items.size() * sizeof(Value)));
  return items;
}

Status CheckHashable(const Value& key) {
  const auto is_container = [](const Value& value) {
    return value.is(Kind::kSequence) || value.is(Kind::kDict);
  };
  if (!is_container(key)) return OkStatus();
  // Tuples are not nested here, so that comparing keys needs no recursion.
  if (key.is(Kind::kSequence) && key.sequence().kind == Sequence::Kind::kTuple &&
      std::none_of(key.sequence().items.begin(), key.sequence().items.end(), is_container)) {
    return OkStatus();
  }
  return InvalidArgument("dict key: wanted a string, number or tuple of them, have {}",
                         TypeName(key));
}

StatusOr<Value> ReplaceText(const Text& text, const Text& from, const Text& to,
                            std::int64_t max_count, Runtime& runtime) {
  // Every match may grow by the replacement, and there is one per byte at most.
  std::size_t matches = text.size() + 1;
  if (!from.empty()) {
    matches = 0;
    for (std::size_t at = text.view().find(from.view()); at != std::string_view::npos;
         at = text.view().find(from.view(), at + from.size())) {
      ++matches;
    }
  }
  if (max_count >= 0) matches = std::min(matches, static_cast<std::size_t>(max_count));
  std::size_t growth = 0;
  if (__builtin_mul_overflow(matches, to.size(), &growth)) growth = SIZE_MAX / 2;
  QUIRE_RETURN_IF_ERROR(runtime.budget().Bytes(text.size()));
  QUIRE_RETURN_IF_ERROR(runtime.budget().TextSize(growth));
  return runtime.arena().NewText(Replace(text, from, to, max_count));
}

std::string TypeName(const Value& value) {
  switch (value.kind()) {
    case Kind::kUndefined:
      return "undefined";
    case Kind::kNone:
      return "none";
    case Kind::kBool:
      return "bool";
    case Kind::kInteger:
      return "int";
    case Kind::kFloat:
      return "float";
    case Kind::kText:
      return "string";
    case Kind::kSequence:
      switch (value.sequence().kind) {
        case Sequence::Kind::kList:
          return "list";
        case Sequence::Kind::kTuple:
          return "tuple";
        case Sequence::Kind::kRange:
          return "range";
        case Sequence::Kind::kGenerator:
          return "generator";
      }
      break;
    case Kind::kDict:
      return "dict";
    case Kind::kNamespace:
      return "namespace";
    case Kind::kCallable:
      return "function";
    case Kind::kLoop:
      return "loop";
  }
  return "value";
}

}  // namespace quire::engine::jinja
