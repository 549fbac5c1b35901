#include "engine/tokenizer/jinja/filters.h"

namespace quire::engine::jinja {

FilterFunction FindFilter(std::string_view name) {
  for (const auto filters : {TextFilters(), NumberFilters(), SequenceFilters(), ElementFilters()}) {
    for (const Filter& filter : filters) {
      if (filter.name == name) return filter.function;
    }
  }
  return nullptr;
}

}  // namespace quire::engine::jinja
