#include "engine/tokenizer/jinja/tests.h"

#include "engine/tokenizer/jinja/arguments.h"
#include "engine/tokenizer/jinja/characters.h"
#include "engine/tokenizer/jinja/filters.h"
#include "engine/tokenizer/jinja/operators.h"
#include "engine/tokenizer/jinja/python_text.h"
#include "engine/tokenizer/jinja/runtime.h"

namespace quire::engine::jinja {
namespace {

using Kind = Value::Kind;

// A test that looks at the subject alone.
template <bool (*predicate)(const Value&)>
StatusOr<bool> Predicate(const Value& subject, const Arguments& arguments, Runtime&) {
  QUIRE_RETURN_IF_ERROR(BoundArguments::Bind("test", arguments, {}, 0).status());
  return predicate(subject);
}

bool IsDefined(const Value& value) { return !value.is_undefined(); }
bool IsUndefined(const Value& value) { return value.is_undefined(); }
bool IsNone(const Value& value) { return value.is_none(); }
bool IsBoolean(const Value& value) { return value.is(Kind::kBool); }
bool IsTrue(const Value& value) { return value.is(Kind::kBool) && value.boolean(); }
bool IsFalse(const Value& value) { return value.is(Kind::kBool) && !value.boolean(); }
bool IsInteger(const Value& value) { return value.is(Kind::kInteger); }
bool IsFloat(const Value& value) { return value.is(Kind::kFloat); }
bool IsNumber(const Value& value) { return value.is_number(); }
bool IsString(const Value& value) { return value.is_text(); }
bool IsMapping(const Value& value) { return value.is(Kind::kDict); }
bool IsIterable(const Value& value) {
  return value.is_undefined() || value.is_text() || value.is(Kind::kSequence) ||
         value.is(Kind::kDict) || value.is(Kind::kLoop);
}
bool IsSequence(const Value& value) {
  const bool generator =
      value.is(Kind::kSequence) && value.sequence().kind == Sequence::Kind::kGenerator;
  return IsIterable(value) && !generator && !value.is(Kind::kLoop) && !value.is_undefined();
}
bool IsCallable(const Value& value) { return value.is(Kind::kCallable); }
bool IsEscaped(const Value&) { return false; }

// True if the subject leaves this remainder, 0 or 1, when divided by two.
template <int remainder>
StatusOr<bool> ParityTest(const Value& subject, const Arguments&, Runtime& runtime) {
  QUIRE_ASSIGN_OR_RETURN(const Value left,
                         Apply(BinaryOperator::kModulo, subject, Value::Integer(2), runtime));
  return Equal(left, Value::Integer(remainder), runtime.budget());
}

StatusOr<bool> DivisibleByTest(const Value& subject, const Arguments& arguments, Runtime& runtime) {
  QUIRE_ASSIGN_OR_RETURN(const auto bound,
                         BoundArguments::Bind("divisibleby", arguments, {"num"}, 1));
  QUIRE_ASSIGN_OR_RETURN(const Value left,
                         Apply(BinaryOperator::kModulo, subject, *bound[0], runtime));
  return Equal(left, Value::Integer(0), runtime.budget());
}

StatusOr<bool> LowerTest(const Value& subject, const Arguments&, Runtime& runtime) {
  QUIRE_ASSIGN_OR_RETURN(const Value text, Str(subject, runtime));
  return AllCharacters(text.text().view(), CharacterTest::kLower);
}

StatusOr<bool> UpperTest(const Value& subject, const Arguments&, Runtime& runtime) {
  QUIRE_ASSIGN_OR_RETURN(const Value text, Str(subject, runtime));
  return AllCharacters(text.text().view(), CharacterTest::kUpper);
}

StatusOr<bool> SameAsTest(const Value& subject, const Arguments& arguments, Runtime&) {
  QUIRE_ASSIGN_OR_RETURN(const auto bound, BoundArguments::Bind("sameas", arguments, {"other"}, 1));
  return subject.SameAs(*bound[0]);
}

StatusOr<bool> InTest(const Value& subject, const Arguments& arguments, Runtime& runtime) {
  QUIRE_ASSIGN_OR_RETURN(const auto bound, BoundArguments::Bind("in", arguments, {"seq"}, 1));
  return Contains(*bound[0], subject, runtime.budget());
}

StatusOr<bool> FilterTest(const Value& subject, const Arguments&, Runtime&) {
  return subject.is_text() && FindFilter(subject.text().view()) != nullptr;
}

StatusOr<bool> TestTest(const Value& subject, const Arguments&, Runtime&) {
  return subject.is_text() && FindTest(subject.text().view()) != nullptr;
}

enum class Order { kEqual, kNotEqual, kLess, kLessOrEqual, kGreater, kGreaterOrEqual };
template <Order order>
StatusOr<bool> CompareTest(const Value& subject, const Arguments& arguments, Runtime& runtime) {
  QUIRE_ASSIGN_OR_RETURN(const auto bound,
                         BoundArguments::Bind("comparison", arguments, {"other"}, 1));
  const Value& other = *bound[0];
  Budget& budget = runtime.budget();
  if (order == Order::kEqual || order == Order::kNotEqual) {
    QUIRE_ASSIGN_OR_RETURN(const bool equal, Equal(subject, other, budget));
    return equal == (order == Order::kEqual);
  }
  if (order == Order::kLess) return Less(subject, other, budget);
  if (order == Order::kGreater) return Less(other, subject, budget);
  QUIRE_ASSIGN_OR_RETURN(const bool opposite, order == Order::kLessOrEqual
                                                  ? Less(other, subject, budget)
                                                  : Less(subject, other, budget));
  return !opposite;
}

struct Test {
  std::string_view name;
  TestFunction function;
};

constexpr Test kTests[] = {
    {"defined", Predicate<IsDefined>},
    {"undefined", Predicate<IsUndefined>},
    {"none", Predicate<IsNone>},
    {"boolean", Predicate<IsBoolean>},
    {"true", Predicate<IsTrue>},
    {"false", Predicate<IsFalse>},
    {"integer", Predicate<IsInteger>},
    {"float", Predicate<IsFloat>},
    {"number", Predicate<IsNumber>},
    {"string", Predicate<IsString>},
    {"mapping", Predicate<IsMapping>},
    {"iterable", Predicate<IsIterable>},
    {"sequence", Predicate<IsSequence>},
    {"callable", Predicate<IsCallable>},
    {"escaped", Predicate<IsEscaped>},
    {"odd", ParityTest<1>},
    {"even", ParityTest<0>},
    {"divisibleby", DivisibleByTest},
    {"lower", LowerTest},
    {"upper", UpperTest},
    {"sameas", SameAsTest},
    {"in", InTest},
    {"filter", FilterTest},
    {"test", TestTest},
    {"eq", CompareTest<Order::kEqual>},
    {"equalto", CompareTest<Order::kEqual>},
    {"==", CompareTest<Order::kEqual>},
    {"ne", CompareTest<Order::kNotEqual>},
    {"!=", CompareTest<Order::kNotEqual>},
    {"lt", CompareTest<Order::kLess>},
    {"lessthan", CompareTest<Order::kLess>},
    {"<", CompareTest<Order::kLess>},
    {"le", CompareTest<Order::kLessOrEqual>},
    {"<=", CompareTest<Order::kLessOrEqual>},
    {"gt", CompareTest<Order::kGreater>},
    {"greaterthan", CompareTest<Order::kGreater>},
    {">", CompareTest<Order::kGreater>},
    {"ge", CompareTest<Order::kGreaterOrEqual>},
    {">=", CompareTest<Order::kGreaterOrEqual>},
};

}  // namespace

TestFunction FindTest(std::string_view name) {
  for (const Test& test : kTests) {
    if (test.name == name) return test.function;
  }
  return nullptr;
}

}  // namespace quire::engine::jinja
